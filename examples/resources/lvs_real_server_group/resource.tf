resource "lvs_real_server_group" "web" {
  virtual_server = lvs_virtual_server.web.name
  servers = {
    "192.0.2.21:80" = { weight = 1 }
    "192.0.2.22:80" = { weight = 2 }
    "192.0.2.23:80" = {}
  }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}
