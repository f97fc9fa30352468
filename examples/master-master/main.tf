# Two services on two directors, each of which is active for one of them and stands by for the other: both work, and
# either can do it all.

terraform {
  required_version = ">= 1.11"
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}

provider "lvs" {
  directors    = var.directors
  token        = var.token
  ca_cert_file = var.ca_cert_file
}

module "web" {
  source = "../modules/ha-service"

  name              = "web"
  virtual_router_id = 51
  virtual_address   = "192.0.2.100/24"
  priorities        = { d1 = 150, d2 = 100 }
  health_check      = { http = { path = "/" } }
  servers = {
    "192.0.2.21:80" = {}
    "192.0.2.22:80" = {}
  }
}

module "shop" {
  source = "../modules/ha-service"

  name              = "shop"
  virtual_router_id = 52
  virtual_address   = "192.0.2.101/24"
  priorities        = { d1 = 100, d2 = 150 }
  health_check      = { http = { path = "/" } }
  servers = {
    "192.0.2.21:80" = {}
    "192.0.2.22:80" = { weight = 2 }
  }
}

# Each tells the other of its connections: both of the kernel's sync daemons run on both.
resource "lvs_ipvs_settings" "sync" {
  connection_sync = { interface = "eth0", sync_id = 51 }
}
