resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}

data "lvs_virtual_server" "web" {
  name = lvs_virtual_server.web.name
}

output "unhealthy" {
  value = { for name, d in data.lvs_virtual_server.web.directors : name => [for address, s in d.real_servers : address if !s.healthy] }
}
