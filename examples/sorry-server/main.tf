# A server that says so when all others are down, instead of nobody who answers.

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

resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wlc"
  forwarding_method = "dr"
  health_check      = { interval = "1s", timeout = "500ms", fall = 2, http = { path = "/" } }

  quorum       = { weight = 1 }
  sorry_server = { address = "192.0.2.99", port = 80 }
}

resource "lvs_real_server" "web" {
  for_each       = toset(["192.0.2.21", "192.0.2.22"])
  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 80
}
