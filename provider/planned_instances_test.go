package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestNewInstancesThatAreInEachOthersWayAreRefusedAtPlan(t *testing.T) {
	t.Parallel()
	instance := func(name string, vrid int, iface, address string) string {
		return fmt.Sprintf(`
resource "lvs_vrrp_instance" %[1]q {
  name              = %[1]q
  virtual_router_id = %[2]d
  interface         = %[3]q
  virtual_addresses = [%[4]q]
  members           = { d1 = { priority = 150 }, d2 = { priority = 100 } }
}`, name, vrid, iface, address)
	}
	block := providerBlock(newDirectors(t, "d1", "d2"))
	a, b := instance("a", 51, "eth0", "192.0.2.100/24"), instance("b", 52, "eth0", "192.0.2.101/24")
	run(t,
		resource.TestStep{Config: block + a + instance("b", 51, "eth0", "192.0.2.101/24"), PlanOnly: true, ExpectError: saying("51 is used for IPv4 by VRRP instance")},
		resource.TestStep{Config: block + a + instance("b", 52, "eth0", "192.0.2.100/24"), PlanOnly: true, ExpectError: saying("192.0.2.100 belongs to VRRP instance")},
		resource.TestStep{Config: block + a + instance("b", 51, "eth1", "192.0.2.101/24")},
		resource.TestStep{Config: block + a + b},
		resource.TestStep{Config: block + a + b, ConfigPlanChecks: noChanges()},
	)
}

func TestMembersOfEqualPriorityAreWarnedOf(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_check_script", providerBlock(newDirectors(t, "d1", "d2")))
	config := strings.Replace(goodInstance, "  track_scripts          = { gateway = { weight = -60 } }\n", "", 1)
	const warning = "d1 and d2 have the same priority, 100"
	said := func() string {
		return strings.Join(strings.Fields(strings.ReplaceAll(w.must(t, "plan"), "│", " ")), " ")
	}
	w.write(t, "instance.tf", config)
	if output := said(); strings.Contains(output, warning) {
		t.Errorf("without reason:\n%s", output)
	}
	w.write(t, "instance.tf", replaceOnce(t, config, "{ priority = 150 }", "{}"))
	if output := said(); !strings.Contains(output, warning) {
		t.Errorf("the plan does not say it:\n%s", output)
	}
}

// A director that comes to the provider gets the objects that are everywhere, by an update.
func TestDirectorThatComesToTheProviderIsPopulatedInPlace(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, _ string) {
		config := o.config
		if o.kind == spec.KindVRRPInstance {
			config = replaceOnce(t, config, "members = { d1 = {}, d2 = { priority = 100 } }", "members = local.members")
		}
		one := providerBlock(map[string]*testDirector{"d1": d1}) + "locals {\n  members = { d1 = {} }\n}\n"
		two := providerBlock(map[string]*testDirector{"d1": d1, "d2": d2}) + "locals {\n  members = { d1 = {}, d2 = { priority = 90 } }\n}\n"
		run(t,
			resource.TestStep{Config: one + config},
			resource.TestStep{
				Config: two + config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate)),
				Check: func(*terraform.State) error {
					if o.desired(d2) == nil {
						return fmt.Errorf("it is not on d2")
					}
					return nil
				},
			},
			resource.TestStep{Config: two + config, ConfigPlanChecks: noChanges()},
		)
	})
}
