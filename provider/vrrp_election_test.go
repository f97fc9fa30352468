package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// wholeInstance is an instance on two directors with some more lines.
func wholeInstance(directors map[string]*testDirector, lines string) string {
	return providerBlock(directors) + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = { priority = 255 }, d2 = { priority = 90 } }
  ` + lines + `
}`
}

func imported() resource.TestStep {
	return resource.TestStep{
		ResourceName: "lvs_vrrp_instance.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name",
	}
}

func TestPreemptionIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	has := func(preempt bool, delay string) func() {
		return func() {
			for name, d := range directors {
				if got := d.store.Desired().VRRPInstances["web"]; got.Preempt != preempt || got.PreemptDelay.String() != delay {
					t.Errorf("%s has preempt %t and preempt_delay %s, want %t and %s", name, got.Preempt, got.PreemptDelay, preempt, delay)
				}
			}
		}
	}
	delayed, never := wholeInstance(directors, `preempt_delay = "1m0s"`), wholeInstance(directors, `preempt = false`)
	run(t,
		resource.TestStep{Config: delayed},
		resource.TestStep{PreConfig: has(true, "1m0s"), Config: delayed, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: never},
		resource.TestStep{PreConfig: has(false, "0s"), Config: never, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: wholeInstance(directors, "")},
		resource.TestStep{PreConfig: has(true, "0s"), Config: wholeInstance(directors, ""), ConfigPlanChecks: noChanges()},
	)
}
