# A highly available web service: two directors that hold one address between them, and balance
# connections to it over two real servers by direct routing.

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

# Is the director itself fit to serve? Optional: without a command nothing is tracked.
resource "lvs_check_script" "gateway" {
  count    = var.check_command == null ? 0 : 1
  name     = "gateway"
  command  = var.check_command
  interval = var.check_interval
}

resource "lvs_vrrp_instance" "web" {
  name                   = "web"
  virtual_router_id      = var.virtual_router_id
  interface              = var.interface
  advertisement_interval = var.advertisement_interval
  virtual_addresses      = [var.virtual_address]
  members                = { for name, d in var.directors : name => { priority = d.priority } }

  # More than the distance between the priorities: a director that fails its check gives way.
  track_scripts = { for script in lvs_check_script.gateway : script.name => { weight = -60 } }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = split("/", var.virtual_address)[0]
  port              = var.port
  protocol          = "tcp"
  scheduler         = var.scheduler
  forwarding_method = var.forwarding_method

  health_check = {
    interval = var.check_interval
    timeout  = var.check_timeout
    rise     = 1
    fall     = 2
    tcp      = var.health_path == null ? {} : null
    http     = var.health_path == null ? null : { path = var.health_path }
  }
}

resource "lvs_real_server" "web" {
  for_each       = var.real_servers
  virtual_server = lvs_virtual_server.web.name
  address        = each.value.address
  port           = var.port
  weight         = each.value.weight
}
