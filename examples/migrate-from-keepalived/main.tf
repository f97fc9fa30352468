# What keepalived.conf beside this file says, for both directors. How to change over without a break is in README.md.

terraform {
  required_version = ">= 1.11"
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}

provider "lvs" {
  directors    = { for name, d in var.directors : name => { endpoint = d.endpoint } }
  token        = var.token
  ca_cert_file = var.ca_cert_file

  # While you change over: objects that somebody tried out on an agent before are taken over, too.
  adopt_existing = true
}

# lvs_sync_daemon. The kernels' daemons go on with the same messages, whoever started them.
resource "lvs_ipvs_settings" "sync" {
  connection_sync = { interface = "eth0", sync_id = 51 }
}

# vrrp_instance
resource "lvs_vrrp_instance" "web" {
  name              = "web"
  version           = 2 # keepalived's default; with vrrp_version 3 say checksum_compatibility = "rfc5798" instead
  virtual_router_id = 51
  interface         = "eth0"
  auth_pass         = var.auth_pass
  auth_pass_version = 1
  virtual_addresses = ["192.0.2.100/24"] # this very list, as long as keepalived runs somewhere
  members           = { for name, d in var.directors : name => { priority = d.priority } }

  # A director takes no part before its services are there.
  depends_on = [lvs_real_server.web, lvs_real_server.queue]
}

# virtual_server 192.0.2.100 80
resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wrr"
  forwarding_method = "dr"
  health_check = {
    interval = "2s"
    timeout  = "1s"
    http     = { path = "/", expected_status = ["200"] }
  }
}

resource "lvs_real_server" "web" {
  for_each       = { "192.0.2.21" = 1, "192.0.2.22" = 3 }
  virtual_server = lvs_virtual_server.web.name
  address        = each.key
  port           = 80
  weight         = each.value
}

# virtual_server 192.0.2.100 5672
resource "lvs_virtual_server" "queue" {
  name              = "queue"
  address           = "192.0.2.100"
  port              = 5672
  scheduler         = "wlc"
  forwarding_method = "dr"
  persistence       = { timeout = "10m" }
  health_check      = { interval = "2s", timeout = "1s", tcp = {} }
}

resource "lvs_real_server" "queue" {
  for_each       = toset(["192.0.2.21", "192.0.2.22"])
  virtual_server = lvs_virtual_server.queue.name
  address        = each.value
  port           = 5672
}
