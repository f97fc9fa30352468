resource "lvs_ipvs_settings" "all" {
  connection_sync = {
    interface = "eth1"
    sync_id   = 51
  }
  timeouts = {
    tcp = "1h"
    udp = "1m"
  }
  sysctls = {
    conn_reuse_mode           = 1
    expire_nodest_conn        = true
    expire_quiescent_template = true
  }
}
