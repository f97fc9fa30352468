package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

const everything = `
resource "lvs_check_script" "gateway" {
  name    = "gateway"
  command = ["/etc/lvs-agent/scripts/ping-gateway", "192.0.2.1"]
}

resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members = {
    d1 = { priority = 150 }
    d2 = {}
  }
  track_scripts = { (lvs_check_script.gateway.name) = { weight = -60 } }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wrr"
  forwarding_method = "dr"
  health_check = {
    interval = "2000ms"
    http     = { path = "/healthz", expected_status = ["200", "204-204"] }
    tcp      = {}
    script   = { name = lvs_check_script.gateway.name }
  }
}

resource "lvs_real_server" "web" {
  count          = 2
  virtual_server = lvs_virtual_server.web.name
  address        = "192.0.2.${21 + count.index}"
  port           = 80
}
`

func TestEverythingIsCreatedOnceAndThenStays(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + everything
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}},
		},
	})
}
