variable "directors" {
  description = "The directors, d1 and d2: where their agents listen."
  type = map(object({
    endpoint = string
  }))
  default = {
    d1 = { endpoint = "https://192.0.2.11:8443" }
    d2 = { endpoint = "https://192.0.2.12:8443" }
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
