package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestScriptThatADirectorWillNotRunIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	const why = "/scripts/ping can be written to by others: chmod go-w /scripts/ping"
	for _, d := range directors {
		d.setRefusal(spec.FieldError{Pointer: "/command/0", Detail: why})
	}
	run(t, resource.TestStep{Config: providerBlock(directors) + goodScript, PlanOnly: true, ExpectError: saying("On d1 and d2: command[0]: " + why)})
}

func TestScriptIsRemovedTogetherWithItsReference(t *testing.T) {
	t.Parallel()
	block := providerBlock(newDirectors(t, "d1", "d2"))
	instance := `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = { priority = 150 }, d2 = {} }
`
	run(t,
		resource.TestStep{Config: block + goodScript + instance + "  track_scripts = { (lvs_check_script.test.name) = { weight = -60 } }\n}"},
		resource.TestStep{Config: block + instance + "}"},
		resource.TestStep{Config: block + instance + "}", ConfigPlanChecks: noChanges()},
	)
}

func TestTimeoutThatIsTakenOutBecomesTheInterval(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	without := replaceOnce(t, goodScript, `timeout  = "1s"`, "")
	run(t,
		resource.TestStep{Config: block + goodScript},
		resource.TestStep{Config: block + without},
		resource.TestStep{PreConfig: func() {
			for name, d := range directors {
				if got := d.store.Desired().CheckScripts["gateway"].Timeout.String(); got != "2s" {
					t.Errorf("the timeout on %s is %s, want 2s", name, got)
				}
			}
		}, Config: block + without, ConfigPlanChecks: noChanges()},
	)
}
