package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestQuorumAndSorryServerComeAndGo(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	with := func(attributes string) string {
		return block + goodService[:strings.Index(goodService, "  health_check")] + attributes + "}"
	}
	asked := func(quorum spec.Quorum, sorry *spec.SorryServer) func() {
		return func() {
			v := directors["d2"].store.Desired().VirtualServers["web"]
			if v.Quorum != quorum || (v.SorryServer == nil) != (sorry == nil) || sorry != nil && *v.SorryServer != *sorry {
				t.Errorf("asked for are %+v and %+v, want %+v and %+v", v.Quorum, v.SorryServer, quorum, sorry)
			}
		}
	}
	var steps []resource.TestStep
	for _, step := range []struct {
		attributes string
		quorum     spec.Quorum
		sorry      *spec.SorryServer
	}{
		{"", spec.Quorum{Weight: 1}, nil},
		{"quorum = { weight = 3, hysteresis = 1 }\n", spec.Quorum{Weight: 3, Hysteresis: 1}, nil},
		{
			"quorum = { weight = 3 }\nsorry_server = { address = \"192.0.2.99\", port = 80 }\n",
			spec.Quorum{Weight: 3}, &spec.SorryServer{Address: addressOf("192.0.2.99"), Port: 80},
		},
		{
			"sorry_server = { address = \"192.0.2.99\", port = 8080, forwarding_method = \"nat\" }\n",
			spec.Quorum{Weight: 1}, &spec.SorryServer{Address: addressOf("192.0.2.99"), Port: 8080, ForwardingMethod: spec.NAT},
		},
	} {
		steps = append(steps, resource.TestStep{Config: with(step.attributes)},
			resource.TestStep{PreConfig: asked(step.quorum, step.sorry), Config: with(step.attributes), ConfigPlanChecks: noChanges()},
			resource.TestStep{ResourceName: "lvs_virtual_server.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"})
	}
	run(t, append(steps, resource.TestStep{Config: with("")}, resource.TestStep{PreConfig: asked(spec.Quorum{Weight: 1}, nil), Config: with(""), ConfigPlanChecks: noChanges()})...)
}

// What is not known while the plan is validated is nothing to complain about.
func TestSorryServerWaitsForWhatItHasToFit(t *testing.T) {
	t.Parallel()
	config := `
resource "terraform_data" "later" { input = 8080 }
` + strings.Replace(goodService[:strings.Index(goodService, "  health_check")], "80\n", "terraform_data.later.output\n", 1) +
		"sorry_server = { address = \"192.0.2.99\", port = 8080 }\nquorum = { weight = terraform_data.later.output, hysteresis = 5 }\n}"
	run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + config})
}
