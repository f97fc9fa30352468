# A service in one call: a virtual address that moves between directors, a service on it, and the real servers behind it.

terraform {
  required_version = ">= 1.11"
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}

resource "lvs_vrrp_instance" "this" {
  name                   = var.name
  virtual_router_id      = var.virtual_router_id
  interface              = var.interface
  advertisement_interval = var.advertisement_interval
  virtual_addresses      = [var.virtual_address]
  members                = { for name, priority in var.priorities : name => { priority = priority } }

  # A director that reaches too few real servers gives way to one that reaches more.
  track_virtual_servers = var.track_service_weight == 0 ? null : { (lvs_virtual_server.this.name) = { weight = var.track_service_weight } }
}

resource "lvs_virtual_server" "this" {
  name              = var.name
  address           = split("/", var.virtual_address)[0]
  port              = var.port
  protocol          = var.protocol
  scheduler         = var.scheduler
  forwarding_method = var.forwarding_method
  health_check      = var.health_check
  drain_timeout     = var.drain_timeout
  persistence       = var.persistence
  quorum            = var.quorum
  sorry_server      = var.sorry_server
  directors         = keys(var.priorities)
}

resource "lvs_real_server_group" "this" {
  virtual_server = lvs_virtual_server.this.name
  servers        = var.servers
  directors      = lvs_virtual_server.this.directors
}
