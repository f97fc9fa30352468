package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const groupService = `
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}`

func groupOf(servers string) string {
	return groupService + `
resource "lvs_real_server_group" "test" {
  virtual_server = lvs_virtual_server.test.name
  servers = {` + servers + `}
}`
}

func TestGroupIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	var steps []resource.TestStep
	for _, servers := range []string{
		`"192.0.2.21:80" = {}`,
		`"192.0.2.21:80" = { weight = 5 }, "192.0.2.22:80" = { health_check = { http = { expected_status = ["200"] } }, drain_timeout = "60s" }`,
		`"192.0.2.22:80" = { on_failure = "remove" }`,
		``,
	} {
		config := block + groupOf(servers)
		steps = append(steps, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()})
		if servers != "" {
			steps = append(steps, resource.TestStep{
				ResourceName: "lvs_real_server_group.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true,
				ImportStateVerifyIdentifierAttribute: "virtual_server", ImportStateVerifyIgnore: []string{"servers.192.0.2.22:80.drain_timeout"},
			})
		}
	}
	run(t, steps...)
	if d := directors["d2"].store.Desired(); len(d.Groups)+d.RealServers.Count() != 0 {
		t.Errorf("left: %+v", d)
	}
}

func TestDriftInAGroupNamesTheServer(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + groupOf(`"192.0.2.21:80" = {}, "192.0.2.22:80" = {}`)
	const group = "lvs_real_server_group.test"
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				directors["d1"].change(spec.KindRealServer, "web/192.0.2.22:80", spec.RealServer{Weight: 9})
				directors["d2"].setDrift(spec.Drift{Kind: spec.KindRealServer, Name: "web", Server: "192.0.2.21:80", Field: "weight", Actual: "7", Want: "1"})
			},
			Config: config,
			ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(group, plancheck.ResourceActionUpdate),
				before{group, []string{"director_status", "d1", "drift"}, "servers.192.0.2.22:80.weight=9, want 1"},
				before{group, []string{"director_status", "d2", "drift"}, "192.0.2.21:80 weight=7, want 1"},
			),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
	)
}

func TestGroupBesideSingleServersIsAnError(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	const single = `
resource "lvs_real_server" "single" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.29"
  port           = 80
}`
	group := block + groupOf(`"192.0.2.21:80" = {}`)
	run(t,
		resource.TestStep{Config: group + single, ExpectError: saying("has real servers of both kinds")},
		resource.TestStep{Config: group},
		resource.TestStep{
			// Somewhere else, where nobody knows of the group.
			Config:      group + strings.Replace(single, "lvs_virtual_server.test.name", `"web"`, 1),
			ExpectError: saying("has real servers of both kinds"),
		},
		resource.TestStep{Config: block + groupService + single}, // one kind instead of the other
	)
}

func TestGroupTakesOverServersThatWereMadeOneByOne(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	for _, d := range directors {
		service := spec.DefaultVirtualServer()
		service.Address, service.Port, service.ForwardingMethod = addressOf("192.0.2.100"), 80, spec.DirectRouting
		d.change(spec.KindVirtualServer, "web", service)
		d.change(spec.KindRealServer, "web/192.0.2.21:80", spec.RealServer{Weight: 1})
	}
	group := strings.Replace(groupOf(`"192.0.2.21:80" = {}`)[len(groupService):], "lvs_virtual_server.test.name", `"web"`, 1)
	run(t,
		resource.TestStep{Config: block + group, ExpectError: saying("exists already, and this resource did not make it")},
		resource.TestStep{
			Config: block + group + "\nimport {\n  to = lvs_real_server_group.test\n  id = \"web\"\n}",
		},
		resource.TestStep{Config: block + group, ConfigPlanChecks: noChanges()},
	)
	if n := directors["d1"].store.Desired().RealServers.Count(); n != 0 {
		t.Errorf("%d servers are left after the destroy", n)
	}
}

func TestServerOfAGroupThatIsWrongIsAnErrorAtItsPlace(t *testing.T) {
	t.Parallel()
	for servers, want := range map[string]string{
		`"192.0.2.21:80" = { weight = 70000 }`: `servers["192.0.2.21:80"].weight: 70000 is out of range`,
		`"192.0.2.21" = {}`:                    `"192.0.2.21" is not address:port`,
		`"192.0.2.21:81" = {}`:                 `forwarding_method "dr" keeps the port: use 80`,
		`"[2001:DB8::1]:80" = {}`:              `is not in canonical form: write [2001:db8::1]:80`,
	} {
		t.Run(servers, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + groupOf(servers), PlanOnly: true, ExpectError: saying(want)})
		})
	}
}

// A pool of two thousand servers is planned and applied in a few seconds.
func TestLargeGroupIsOneRequest(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	var servers strings.Builder
	for i := range 300 {
		fmt.Fprintf(&servers, "\"10.0.%d.%d:80\" = { weight = 1 }\n", i/250, i%250+1)
	}
	config := providerBlock(directors) + groupOf("\n"+servers.String())
	run(t, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()})
}
