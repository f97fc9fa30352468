variable "name" {
  description = "Name of the virtual router and of the virtual server."
  type        = string
}

variable "virtual_router_id" {
  description = "VRID, 1 to 255, unused by others on this network."
  type        = number
}

variable "virtual_address" {
  description = "Virtual IPv4 address of the service, with the prefix length of its network: 192.0.2.100/24."
  type        = string
}

variable "priorities" {
  description = "The directors that take part, each with a priority of its own, 1 to 254: the highest that is alive is active."
  type        = map(number)
}

variable "servers" {
  description = "The real servers, by address and port: { \"192.0.2.21:80\" = { weight = 2 } }."
  type = map(object({
    weight = optional(number, 1)
  }))
}

variable "interface" {
  description = "Network interface of the directors that carries the virtual address."
  type        = string
  default     = "eth0"
}

variable "advertisement_interval" {
  description = "Time between two VRRP adverts. A takeover after a crash takes a little over three of them."
  type        = string
  default     = "1s"
}

variable "track_service_weight" {
  description = "Added to a director's priority while the service is down there, -253 to 0; 0 leaves the priority alone. It has to be more than the distance between the priorities."
  type        = number
  default     = -60
}

variable "port" {
  description = "Port of the service."
  type        = number
  default     = 80
}

variable "protocol" {
  description = "tcp, udp or sctp."
  type        = string
  default     = "tcp"
}

variable "scheduler" {
  description = "IPVS scheduler."
  type        = string
  default     = "wlc"
}

variable "forwarding_method" {
  description = "nat, dr or tunnel. For dr and tunnel the real servers hold the virtual address, too, and do not answer ARP for it."
  type        = string
  default     = "dr"
}

variable "health_check" {
  description = "health_check of lvs_virtual_server. Left out, a server that accepts connections is healthy."
  type        = any
  default     = { tcp = {} }
}

variable "drain_timeout" {
  description = "How long the connections of a server that is removed are waited for."
  type        = string
  default     = "30s"
}

variable "persistence" {
  description = "persistence of lvs_virtual_server: keeps a client with its server."
  type = object({
    timeout       = optional(string)
    prefix_length = optional(number)
  })
  default = null
}

variable "quorum" {
  description = "How many servers must be up, in units of their weights."
  type = object({
    weight     = optional(number)
    hysteresis = optional(number)
  })
  default = null
}

variable "sorry_server" {
  description = "Takes the place of the servers while the quorum is lost."
  type = object({
    address = string
    port    = number
  })
  default = null
}
