resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wrr"
  forwarding_method = "dr"

  health_check = {
    interval = "2s"
    timeout  = "1s"
    rise     = 1
    fall     = 3
    http = {
      path            = "/healthz"
      expected_status = ["200-299"]
    }
  }
}
