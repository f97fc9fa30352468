output "service" {
  description = "Where the service answers."
  value       = "${lvs_virtual_server.this.address}:${lvs_virtual_server.this.port}"
}

output "directors" {
  description = "The directors that take part."
  value       = lvs_vrrp_instance.this.directors
}

output "status" {
  description = "How the virtual router, the service and its servers are on each director."
  value = {
    vrrp_instance     = lvs_vrrp_instance.this.director_status
    virtual_server    = lvs_virtual_server.this.director_status
    real_server_group = lvs_real_server_group.this.director_status
  }
}
