# A web service over IPv6, by direct routing.

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
  virtual_addresses = ["fe80::33/64", "2001:db8::100/64"] # RFC 9568: the first one is link-local
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "2001:db8::100"
  port              = 80
  scheduler         = "wlc"
  forwarding_method = "dr"
  health_check      = { http = { path = "/" } }
}

resource "lvs_real_server" "web" {
  for_each       = toset(["2001:db8::21", "2001:db8::22"])
  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 80
}
