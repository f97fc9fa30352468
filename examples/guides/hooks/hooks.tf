variable "webhook_secret" {
  type      = string
  ephemeral = true # in no plan and no state
  default   = null
}

resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members = {
    d1 = { priority = 150 }
    d2 = { priority = 100 }
  }

  notify = {
    # A web server is told of every change of state.
    pager = {
      webhook = {
        url            = "https://hooks.example.com/lvs"
        secret         = var.webhook_secret
        secret_version = 1
      }
    }
    # A program on the director, when it takes the role over or gives it up.
    routes = {
      command = ["/etc/lvs-agent/scripts/announce", "AS64500"]
      states  = ["active", "backup", "fault", "initialize"]
      timeout = "30s"
    }
    # A script that keepalived called: it is given INSTANCE web MASTER 150.
    old = {
      command = ["/etc/lvs-agent/scripts/notify.sh"]
      style   = "keepalived"
    }
  }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
  health_check      = { tcp = {} }

  notify = {
    # Its own states are up and down, those of its real servers healthy and unhealthy.
    pager = {
      webhook = { url = "https://hooks.example.com/lvs", secret = var.webhook_secret, secret_version = 1 }
      states  = ["down", "unhealthy"]
    }
  }
}
