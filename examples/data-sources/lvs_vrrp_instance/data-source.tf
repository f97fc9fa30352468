resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = { priority = 150 }, d2 = { priority = 100 } }
}

data "lvs_vrrp_instance" "web" {
  name = lvs_vrrp_instance.web.name
}

output "active" {
  value = data.lvs_vrrp_instance.web.active_director
}
