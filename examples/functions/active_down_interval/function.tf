output "takeover" {
  value = provider::lvs::active_down_interval(100, "1s", 3) # 3.609375s
}
