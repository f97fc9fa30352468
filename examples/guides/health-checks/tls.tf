# HTTP/2 over TLS. A certificate with less than two weeks left is a failure before it is one for everybody.
resource "lvs_virtual_server" "secure" {
  name              = "secure"
  address           = "192.0.2.110"
  port              = 443
  forwarding_method = "dr"
  health_check = {
    http = {
      version = "2"
      path    = "/health"
      host    = "shop.example.com"
      tls     = { minimum_version = "1.3", min_validity = "336h" }
    }
  }
}
