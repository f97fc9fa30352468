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

variable "machines" {
  description = "Addresses of the machines that the application runs on."
  type        = list(string)
  default     = ["10.0.0.21", "10.0.0.22"]
}

variable "first_port" {
  description = "First of the ports that the application's instances listen on."
  type        = number
  default     = 9000
}

variable "ports" {
  description = "Number of instances on each machine, on consecutive ports."
  type        = number
  default     = 250

  validation {
    condition     = var.ports >= 1 && var.ports <= 1024
    error_message = "Use 1 to 1024, which is as far as Terraform's range() goes. More servers are on more machines."
  }
}
