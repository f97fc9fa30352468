# Real servers in another network: packets to them are wrapped in IP, so routers may lie between, and answers go straight
# to the client.

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
  forwarding_method = "tunnel"
  tunnel            = { type = "ipip" }
  health_check      = { http = { path = "/" } }
}

resource "lvs_real_server" "web" {
  for_each       = toset(["198.51.100.21", "198.51.100.22"])
  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 80 # a tunnel keeps the port
}
