data "lvs_director" "d1" {
  name = "d1"
}

output "kernel" {
  value = data.lvs_director.d1.kernel_release
}
