# By address and port. The address is that of a virtual router, so it moves with its role.
resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members = {
    d1 = { priority = 150 }
    d2 = { priority = 100 }
  }

  # A director that reaches too few real servers gives way to one that reaches more.
  track_virtual_servers = { (lvs_virtual_server.web.name) = { weight = -60 } }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wlc"
  forwarding_method = "dr"
  drain_timeout     = "2m"

  health_check = {
    interval = "2s"
    timeout  = "1s"
    fall     = 3
    http     = { path = "/healthz" }
  }

  quorum       = { weight = 3, hysteresis = 1 } # up at 4, down below 2
  sorry_server = { address = "192.0.2.99", port = 80 }
}

resource "lvs_real_server" "web" {
  for_each       = toset(["192.0.2.21", "192.0.2.22", "192.0.2.23", "192.0.2.24"])
  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 80

  upper_threshold = 2000 # connections; new ones go elsewhere until there are fewer than
  lower_threshold = 1500
}
