# NTP: a request of version 3, mode 3, and the first byte of what a server answers. A firewall mark lets a rule on the
# directors route checks by the management network.
resource "lvs_virtual_server" "time" {
  name              = "time"
  address           = "192.0.2.114"
  port              = 123
  protocol          = "udp"
  forwarding_method = "dr"
  health_check = {
    firewall_mark = 7
    udp           = { send_hex = "1b${join("", [for _ in range(47) : "00"])}", expect_hex = "1c" }
  }
}

# Log servers take datagrams and answer none: only ICMP says that nobody listens.
resource "lvs_virtual_server" "logs" {
  name              = "logs"
  address           = "192.0.2.115"
  port              = 514
  protocol          = "udp"
  forwarding_method = "dr"
  health_check      = { udp = {}, ping = {} }
}
