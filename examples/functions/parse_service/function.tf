locals {
  service = provider::lvs::parse_service("tcp:[2001:db8::100]:80")
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  protocol          = local.service.protocol
  address           = local.service.address
  port              = local.service.port
  forwarding_method = "nat"
}
