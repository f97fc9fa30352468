# So that a director that takes over knows the connections of the other one.
resource "lvs_ipvs_settings" "all" {
  connection_sync = { interface = "eth1", sync_id = 51 }
  sysctls         = { expire_nodest_conn = true }
}
