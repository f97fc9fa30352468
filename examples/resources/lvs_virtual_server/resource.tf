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

  # Down when less than two of three servers of weight 1 are up; then another machine says so.
  quorum       = { weight = 2 }
  sorry_server = { address = "192.0.2.99", port = 80 }
}
