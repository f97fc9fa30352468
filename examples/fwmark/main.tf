# HTTP and HTTPS as one service: a client's connections to both ports go to the same real server. The directors' firewall
# marks what belongs together: directors.rules.

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

resource "lvs_vrrp_instance" "shop" {
  name              = "shop"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_virtual_server" "shop" {
  name              = "shop"
  firewall_mark     = 1
  family            = "ipv4"
  scheduler         = "wlc"
  forwarding_method = "dr"
  persistence       = { timeout = "10m" }
  drain_timeout     = "10s" # all of it: with a mark, connections that are over count for as long as the kernel remembers them

  # The service has no port of its own, so each check says which; both must pass.
  health_check = {
    http = { port = 80, path = "/" }
    tcp  = { port = 443 }
  }
}

resource "lvs_real_server" "shop" {
  for_each       = toset(["192.0.2.21", "192.0.2.22"])
  virtual_server = lvs_virtual_server.shop.name
  address        = each.value
  port           = 0 # the port that the client asked for
}
