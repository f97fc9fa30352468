output "virtual_mac" {
  value = provider::lvs::virtual_mac(51, "ipv4") # 00:00:5e:00:01:33
}
