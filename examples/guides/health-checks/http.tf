variable "health_password" {
  description = "Password of the health page. It is in no plan and no state."
  type        = string
  sensitive   = true
  ephemeral   = true
  default     = "change-me"
}

# A page behind a password says how the server is, and another one that the shop itself works.
resource "lvs_virtual_server" "shop" {
  name              = "shop"
  address           = "192.0.2.110"
  port              = 80
  forwarding_method = "dr"
  health_check = {
    interval = "5s"
    timeout  = "2s"
    http = {
      path          = "/health"
      host          = "shop.example.com"
      expected_json = { "/status" = "up", "/database/writable" = "true" }
      basic_auth = {
        username            = "director"
        password_wo         = var.health_password
        password_wo_version = 1
      }
      additional_requests = [
        { path = "/cart", host = "shop.example.com", expected_status = ["200", "302"] },
      ]
    }
  }
}

# This one is on its way out: that its port is open is enough.
resource "lvs_real_server" "old" {
  virtual_server = lvs_virtual_server.shop.name
  address        = "192.0.2.121"
  port           = 80
  health_check   = { tcp = {} }
}
