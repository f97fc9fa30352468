# A web service by NAT: the directors stand between two networks, and the real servers send their answers back through
# the one that is active.

terraform {
  required_version = ">= 1.11"
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}

provider "lvs" {
  directors    = { for name, d in var.directors : name => { endpoint = d.endpoint } }
  token        = var.token
  ca_cert_file = var.ca_cert_file
}

# Two virtual routers that are active together or not at all: what clients ask for, and the real servers' way back.
resource "lvs_vrrp_instance" "outside" {
  name              = "outside"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  sync_group        = "nat"
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_vrrp_instance" "inside" {
  name              = "inside"
  virtual_router_id = 52
  interface         = "eth1"
  virtual_addresses = ["10.0.0.1/24"] # the real servers' default gateway
  sync_group        = "nat"
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_ipvs_settings" "nat" {
  # Connections that are open when the role moves go on: the other director knows them.
  connection_sync = { interface = "eth1", sync_id = 51 }
  sysctls         = { ip_forward = true }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wlc"
  forwarding_method = "nat"
  health_check      = { http = { path = "/" } }
}

resource "lvs_real_server" "web" {
  for_each       = toset(["10.0.0.21", "10.0.0.22"])
  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 8080 # NAT rewrites the port, too
}
