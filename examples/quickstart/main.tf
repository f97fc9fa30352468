# One director on this machine, without privileges and without a kernel that balances:
#
#   lvs-agent run --dev
#
# keeps what it is asked for in memory. Apply this, look with `lvs-agent status`, change a weight, plan,
# destroy.

terraform {
  required_version = ">= 1.11"
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}

provider "lvs" {
  endpoint = "http://127.0.0.1:8443"
}

resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "lo"
  virtual_addresses = ["192.0.2.100/32"]
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "nat"

  health_check = {
    tcp = {}
  }
}

resource "lvs_real_server" "web" {
  for_each       = toset(["127.0.0.21", "127.0.0.22"])
  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 8080
}

output "directors" {
  value = lvs_virtual_server.web.director_status
}
