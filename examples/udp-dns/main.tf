# DNS over UDP. A request is one packet: each is scheduled by itself, and none is remembered as a connection.

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

resource "lvs_vrrp_instance" "dns" {
  name              = "dns"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_virtual_server" "dns" {
  name              = "dns"
  address           = "192.0.2.100"
  port              = 53
  protocol          = "udp"
  scheduler         = "rr"
  forwarding_method = "dr"
  one_packet        = true
  health_check      = { dns = { name = "example.com", type = "SOA" } }
}

resource "lvs_real_server" "dns" {
  for_each       = toset(["192.0.2.21", "192.0.2.22"])
  virtual_server = lvs_virtual_server.dns.name
  address        = each.value
  port           = 53
}
