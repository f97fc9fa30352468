# Name servers: the zone is answered over UDP, and over TCP, too. ping tells a machine that is gone from a service
# that is.
resource "lvs_virtual_server" "names" {
  name              = "names"
  address           = "192.0.2.111"
  port              = 53
  protocol          = "udp"
  forwarding_method = "dr"
  one_packet        = true
  health_check = {
    dns  = { name = "example.com", type = "MX", expected_answers = ["10 mail.example.com"] }
    tcp  = {}
    ping = {}
  }
}
