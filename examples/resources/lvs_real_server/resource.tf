resource "lvs_real_server" "web" {
  for_each = {
    a = "192.0.2.21"
    b = "192.0.2.22"
  }

  virtual_server = lvs_virtual_server.web.name
  address        = each.value
  port           = 80
  weight         = 1
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}
