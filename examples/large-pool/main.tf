# Hundreds of real servers: one resource has them all, and one request a director carries them. Here they are the ports of a
# few machines on which many instances of an application run.

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
}

locals {
  ports = range(var.first_port, var.first_port + var.ports)
}

resource "lvs_vrrp_instance" "outside" {
  name              = "outside"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  sync_group        = "app"
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_vrrp_instance" "inside" {
  name              = "inside"
  virtual_router_id = 52
  interface         = "eth1"
  virtual_addresses = ["10.0.0.1/24"]
  sync_group        = "app"
  members           = { for name, d in var.directors : name => { priority = d.priority } }
}

resource "lvs_ipvs_settings" "nat" {
  sysctls = { ip_forward = true }
}

resource "lvs_virtual_server" "app" {
  name              = "app"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "rr"
  forwarding_method = "nat"
  quorum            = { weight = length(local.ports) } # of several machines one is enough
  health_check      = { interval = "10s", timeout = "2s", fall = 2, tcp = {} }
}

resource "lvs_real_server_group" "app" {
  virtual_server = lvs_virtual_server.app.name
  servers = {
    for server in setproduct(var.machines, local.ports) : "${server[0]}:${server[1]}" => {}
  }
}
