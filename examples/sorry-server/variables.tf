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
