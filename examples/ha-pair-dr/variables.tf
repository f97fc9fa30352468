variable "directors" {
  description = "The directors: where their agents listen, and their priorities."
  type = map(object({
    endpoint = string
    priority = number
  }))
  default = {
    d1 = { endpoint = "https://192.0.2.11:8443", priority = 150 }
    d2 = { endpoint = "https://192.0.2.12:8443", priority = 100 }
  }
}

variable "token" {
  description = "Token of the agents, with the write scope. Left out, LVS_TOKEN holds it."
  type        = string
  sensitive   = true
  default     = null
}

variable "ca_cert_file" {
  description = "File of the CA that signed the agents' certificates. Left out, the system's are trusted."
  type        = string
  default     = null
}

variable "interface" {
  description = "Network interface of the directors that carries the virtual address."
  type        = string
  default     = "eth0"
}

variable "virtual_router_id" {
  description = "VRID, 1 to 255, unused by others on this network."
  type        = number
  default     = 51
}

variable "virtual_address" {
  description = "Virtual address of the service, with the prefix length of its network."
  type        = string
  default     = "192.0.2.100/24"
}

variable "advertisement_interval" {
  description = "Time between two VRRP adverts. Takeover after a crash takes a little over three of them."
  type        = string
  default     = "1s"
}

variable "port" {
  description = "Port of the service and of its real servers."
  type        = number
  default     = 80
}

variable "scheduler" {
  description = "IPVS scheduler."
  type        = string
  default     = "wrr"
}

variable "forwarding_method" {
  description = "nat, dr or tunnel. For dr and tunnel the real servers hold the virtual address, too, and do not answer ARP for it."
  type        = string
  default     = "dr"
}

variable "real_servers" {
  description = "The servers behind the service."
  type = map(object({
    address = string
    weight  = optional(number, 1)
  }))
  default = {
    rs1 = { address = "192.0.2.21" }
    rs2 = { address = "192.0.2.22" }
  }
}

variable "health_path" {
  description = "Path that a healthy server answers with 2xx. Left out, a TCP connection is enough."
  type        = string
  default     = null
}

variable "check_interval" {
  description = "Time between two checks of a server."
  type        = string
  default     = "1s"
}

variable "check_timeout" {
  description = "A check without an answer by then has failed."
  type        = string
  default     = "500ms"
}

variable "check_command" {
  description = "Program on the directors, with its arguments, whose failure makes a director give way: [\"/etc/lvs-agent/scripts/ping-gateway\", \"192.0.2.1\"]."
  type        = list(string)
  default     = null
}
