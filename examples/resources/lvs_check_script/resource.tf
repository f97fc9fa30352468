resource "lvs_check_script" "gateway" {
  name     = "gateway"
  command  = ["/etc/lvs-agent/scripts/ping-gateway", "192.0.2.1"]
  interval = "2s"
  timeout  = "1s"
  rise     = 2
  fall     = 3
}
