terraform {
  required_version = ">= 1.11"
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}

variable "token" {
  description = "Token of the agents, with the write scope."
  type        = string
  sensitive   = true
}

provider "lvs" {
  directors = {
    d1 = { endpoint = "https://192.0.2.11:8443" }
    d2 = { endpoint = "https://192.0.2.12:8443" }
  }
  token        = var.token
  ca_cert_file = "/etc/lvs-agent/ca.pem"
}
