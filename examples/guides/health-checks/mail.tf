# Mail servers, whose certificates have to be right, from an address of the directors' own that they do not log as spam.
resource "lvs_virtual_server" "mail" {
  name              = "mail"
  address           = "192.0.2.112"
  port              = 25
  forwarding_method = "dr"
  health_check = {
    interval = "10s"
    timeout  = "5s"
    source   = "eth1"
    smtp     = { hello = "director.example.com", starttls = { server_name = "mail.example.com" } }
  }
}
