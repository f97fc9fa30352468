# The director has a default route.
resource "lvs_check_script" "uplink" {
  name     = "uplink"
  interval = "5s"
  content  = <<-EOT
    #!/bin/sh
    ip route show default | grep -q . || { echo "no default route"; exit 1; }
  EOT
}
