# A gRPC service says itself whether it serves.
resource "lvs_virtual_server" "cart" {
  name              = "cart"
  address           = "192.0.2.113"
  port              = 50051
  forwarding_method = "dr"
  health_check      = { grpc = { service = "shop.v1.Cart" } }
}
