resource "lvs_vrrp_instance" "web" {
  name                   = "web"
  virtual_router_id      = 51
  interface              = "eth0"
  advertisement_interval = "1s"
  virtual_addresses      = ["192.0.2.100/24"]

  members = {
    d1 = { priority = 150 }
    d2 = { priority = 100 }
  }

  # A director that does not reach its gateway gives way to the other.
  track_scripts = {
    (lvs_check_script.gateway.name) = { weight = -60 }
  }
}

resource "lvs_check_script" "gateway" {
  name    = "gateway"
  command = ["/etc/lvs-agent/scripts/ping-gateway", "192.0.2.1"]
}
