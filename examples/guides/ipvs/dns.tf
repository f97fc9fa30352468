# DNS over UDP: a request is a packet, which is scheduled by itself. The servers answer the clients themselves.
resource "lvs_virtual_server" "dns" {
  name              = "dns"
  address           = "192.0.2.102"
  port              = 53
  protocol          = "udp"
  scheduler         = "rr"
  forwarding_method = "dr"
  one_packet        = true
}

# A cache keeps its share of clients: mh moves hardly any when a server comes or goes.
resource "lvs_virtual_server" "cache" {
  name              = "cache"
  address           = "2001:db8::103"
  port              = 80
  scheduler         = "mh"
  scheduler_flags   = ["mh-fallback"]
  forwarding_method = "tunnel"
  tunnel            = { type = "gue", port = 6080 }
}

resource "lvs_real_server" "cache" {
  virtual_server = lvs_virtual_server.cache.name
  address        = "2001:db8::41"
  port           = 80
}
