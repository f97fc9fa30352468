package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

func TestEqualValueInAnotherFormIsNoChange(t *testing.T) {
	t.Parallel()
	d := newDirectors(t, "d1")["d1"]
	block := "provider \"lvs\" {\n  endpoint = \"" + d.url + "\"\n}\n"
	with := func(interval, address, status string) string {
		return block + `
resource "lvs_vrrp_instance" "test" {
  name                   = "web"
  virtual_router_id      = 51
  interface              = "eth0"
  advertisement_interval = "` + interval + `"
  virtual_addresses      = ["192.0.2.100/24"]
}
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "` + address + `"
  port              = 80
  forwarding_method = "nat"
  health_check      = { interval = "` + interval + `", timeout = "500ms", http = { expected_status = ["` + status + `"] } }
}
resource "lvs_real_server" "test" {
  virtual_server = lvs_virtual_server.test.name
  address        = "` + address + `"
  port           = 8080
}
resource "lvs_check_script" "test" {
  name     = "gateway"
  command  = ["/scripts/ping"]
  interval = "` + interval + `"
}`
	}
	run(t,
		resource.TestStep{Config: with("1000ms", "2001:DB8:0::1", "200-200")},
		resource.TestStep{Config: with("1000ms", "2001:DB8:0::1", "200-200"), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with("1s", "2001:db8::1", "200"), ConfigPlanChecks: noChanges()},
		// The default of the timeout is the interval, and follows it.
		resource.TestStep{Config: with("2s", "2001:db8::1", "200"), ConfigPlanChecks: planned(
			plancheck.ExpectResourceAction("lvs_check_script.test", plancheck.ResourceActionUpdate),
		)},
		resource.TestStep{
			PreConfig: func() {
				got := d.store.Desired().CheckScripts["gateway"]
				if diff := cmp.Diff("2s", got.Timeout.String()); diff != "" {
					t.Errorf("timeout (-want +got):\n%s", diff)
				}
			},
			Config: with("2000ms", "2001:db8::1", "200"), ConfigPlanChecks: noChanges(),
		},
	)
}
