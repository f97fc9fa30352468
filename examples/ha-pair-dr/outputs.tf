output "service" {
  description = "Where the service answers."
  value       = "${lvs_virtual_server.web.address}:${lvs_virtual_server.web.port}"
}

output "directors" {
  description = "The directors that take part."
  value       = lvs_vrrp_instance.web.directors
}
