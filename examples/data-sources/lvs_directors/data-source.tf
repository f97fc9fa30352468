data "lvs_directors" "all" {}

check "nothing_drifts" {
  assert {
    condition     = alltrue([for d in data.lvs_directors.all.directors : d.drift == null ? true : length(d.drift) == 0])
    error_message = "A director's kernel is not as it should be."
  }
}
