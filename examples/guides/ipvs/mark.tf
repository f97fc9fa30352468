# By firewall mark: HTTP and HTTPS as one service, so that persistence keeps a client's both with one server.
# The rule on the directors, which is not this provider's:
#   nft add rule inet filter prerouting ip daddr 192.0.2.101 tcp dport { 80, 443 } meta mark set 1
resource "lvs_virtual_server" "shop" {
  name              = "shop"
  firewall_mark     = 1
  family            = "ipv4"
  forwarding_method = "dr"
  persistence       = { timeout = "10m", prefix_length = 24 }
}

resource "lvs_real_server_group" "shop" {
  virtual_server = lvs_virtual_server.shop.name
  servers = {
    "192.0.2.31:0" = { weight = 2 }
    "192.0.2.32:0" = {}
  }
}
