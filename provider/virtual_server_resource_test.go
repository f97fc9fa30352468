package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestServiceWithServersOfSomebodyElseIsNotDestroyed(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	service := `
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}`
	const key = "web/192.0.2.99:80"
	run(t,
		resource.TestStep{Config: block + service},
		resource.TestStep{
			PreConfig: func() { directors["d2"].change(spec.KindRealServer, key, spec.RealServer{Weight: 1}) },
			Config:    block, ExpectError: saying(`On d2: virtual server "web" has real servers: delete 192.0.2.99:80 first`),
		},
		// It went from d1, and is still in the state: the next destroy has only d2 to do.
		resource.TestStep{
			PreConfig: func() { directors["d2"].change(spec.KindRealServer, key, nil) },
			Config:    block,
		},
	)
	for name, d := range directors {
		if n := len(d.store.Desired().VirtualServers); n != 0 {
			t.Errorf("%d services are left on %s", n, name)
		}
	}
}

func TestServiceOnAnAddressThatIsTakenIsAWarningAtPlanAndAnErrorAtApply(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	directors["d2"].change(spec.KindVirtualServer, "other", spec.VirtualServer{
		Address: addressOf("192.0.2.100"), Port: 80, Protocol: spec.TCP, Scheduler: "rr", ForwardingMethod: spec.NAT,
	})
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_virtual_server", providerBlock(directors))
	plan := w.must(t, "plan")
	for _, want := range []string{"Warning: Virtual Server Conflicts With Another Object", `is served by virtual server "other"`, "unless it changes that object first"} {
		if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(plan, "│", " ")), " "), want) {
			t.Errorf("the plan does not say %q:\n%s", want, plan)
		}
	}
	output, exitCode := w.terraform(t, "apply", "-auto-approve")
	if exitCode == 0 || !strings.Contains(output, "Unable to Create Virtual Server") {
		t.Errorf("apply ended with %d:\n%s", exitCode, output)
	}
	if n := len(directors["d1"].store.Desired().VirtualServers); n != 0 {
		t.Error("it was made on d1 all the same")
	}
}

func TestHealthCheckComesAndGoes(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	bare := goodService[:strings.Index(goodService, "  health_check")] + "}"
	tcp := strings.Replace(bare, "\n}", "\n  health_check = { tcp = {} }\n}", 1)
	damped := strings.Replace(bare, "\n}", "\n  health_check = { tcp = {}, flap_damping = true, only_when_active = true }\n}", 1)
	http := strings.Replace(bare, "\n}", "\n  health_check = { http = { body = \"\", headers = {} } }\n}", 1)
	var steps []resource.TestStep
	for _, config := range []string{tcp, damped, bare, http, tcp} {
		steps = append(steps, resource.TestStep{Config: block + config}, resource.TestStep{Config: block + config, ConfigPlanChecks: noChanges()})
	}
	run(t, steps...)
}

func TestDirectorThatLeftTheProviderIsNamedInAWarning(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_virtual_server", providerBlock(directors))
	w.must(t, "apply", "-auto-approve")
	gone := directors["d2"]
	delete(directors, "d2")
	w.override(t, providerBlock(directors))
	plan := strings.Join(strings.Fields(strings.ReplaceAll(w.must(t, "plan"), "│", " ")), " ")
	if want := `The provider has no director d2 any more, so virtual server "web" stays as it is there`; !strings.Contains(plan, want) {
		t.Errorf("the plan does not say %q:\n%s", want, plan)
	}
	w.must(t, "apply", "-auto-approve")
	if output := w.must(t, "plan"); !strings.Contains(output, "No changes.") {
		t.Errorf("the plan after it says:\n%s", output)
	}
	if len(gone.store.Desired().VirtualServers) != 1 {
		t.Error("it did not stay on d2")
	}
}
