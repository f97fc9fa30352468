data "lvs_ipvs_table" "all" {}

check "nobody_else_balances" {
  assert {
    condition = alltrue(flatten([
      for table in data.lvs_ipvs_table.all.directors : [for service in table.services : service.virtual_server != null]
    ]))
    error_message = "A director's kernel has services that are not from here."
  }
}
