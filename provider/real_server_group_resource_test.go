package provider

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const groupService = `
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}`

func groupOf(servers string) string {
	return groupService + `
resource "lvs_real_server_group" "test" {
  virtual_server = lvs_virtual_server.test.name
  servers = {` + servers + `}
}`
}

func TestGroupIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	var steps []resource.TestStep
	for _, servers := range []string{
		`"192.0.2.21:80" = { weight = 1 }`,
		`"192.0.2.21:80" = { weight = 5 }, "192.0.2.22:80" = { health_check = { http = { expected_status = ["200"] } }, drain_timeout = "60s" }`,
		`"192.0.2.22:80" = { on_failure = "remove" }`,
		``,
	} {
		config := block + groupOf(servers)
		steps = append(steps, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()})
		if servers != "" {
			steps = append(steps, resource.TestStep{
				ResourceName: "lvs_real_server_group.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true,
				ImportStateVerifyIdentifierAttribute: "virtual_server", ImportStateVerifyIgnore: []string{"servers.192.0.2.22:80"}, // defaults are written out
			})
		}
	}
	run(t, steps...)
	if d := directors["d2"].store.Desired(); len(d.Groups)+d.RealServers.Count() != 0 {
		t.Errorf("left: %+v", d)
	}
}

func TestDriftInAGroupNamesTheServer(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + groupOf(`"192.0.2.21:80" = {}, "192.0.2.22:80" = {}`)
	const group = "lvs_real_server_group.test"
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				directors["d1"].change(spec.KindRealServer, "web/192.0.2.22:80", spec.RealServer{Weight: 9})
				directors["d2"].setDrift(spec.Drift{Kind: spec.KindRealServer, Name: "web", Server: "192.0.2.21:80", Field: "weight", Actual: "7", Want: "1"})
			},
			Config: config,
			ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(group, plancheck.ResourceActionUpdate),
				before{group, []string{"director_status", "d1", "drift"}, "servers.192.0.2.22:80.weight=9, want 1"},
				before{group, []string{"director_status", "d2", "drift"}, "192.0.2.21:80 weight=7, want 1"},
			),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
	)
}

func TestGroupBesideSingleServersIsAnError(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	const single = `
resource "lvs_real_server" "single" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.29"
  port           = 80
}`
	group := block + groupOf(`"192.0.2.21:80" = {}`)
	run(t,
		resource.TestStep{Config: group + single, ExpectError: saying("has real servers of both kinds")},
		resource.TestStep{Config: group},
		resource.TestStep{
			// Somewhere else, where nobody knows of the group.
			Config:      group + strings.Replace(single, "lvs_virtual_server.test.name", `"web"`, 1),
			ExpectError: saying("has real servers of both kinds"),
		},
		resource.TestStep{Config: block + groupService + single}, // one kind instead of the other
	)
}

func TestGroupTakesOverServersThatWereMadeOneByOne(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	for _, d := range directors {
		service := spec.DefaultVirtualServer()
		service.Address, service.Port, service.ForwardingMethod = addressOf("192.0.2.100"), 80, spec.DirectRouting
		d.change(spec.KindVirtualServer, "web", service)
		d.change(spec.KindRealServer, "web/192.0.2.21:80", spec.RealServer{Weight: 1})
	}
	group := strings.Replace(groupOf(`"192.0.2.21:80" = {}`)[len(groupService):], "lvs_virtual_server.test.name", `"web"`, 1)
	run(t,
		resource.TestStep{Config: block + group, ExpectError: saying("exists already, and this resource did not make it")},
		resource.TestStep{Config: block + group, ExpectError: saying("removed { from = lvs_real_server.NAME lifecycle { destroy = false } }")},
		resource.TestStep{
			Config: block + group + "\nimport {\n  to = lvs_real_server_group.test\n  id = \"web\"\n}",
		},
		resource.TestStep{Config: block + group, ConfigPlanChecks: noChanges()},
	)
	if n := directors["d1"].store.Desired().RealServers.Count(); n != 0 {
		t.Errorf("%d servers are left after the destroy", n)
	}
}

// What is equal stays as it is written: nothing is planned for another way to write it, also after an import.
func TestServersOfAGroupMayBeWrittenInManyWays(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors) + `
variable "typed" {
  type    = map(object({ weight = number, health_check = optional(object({ http = object({ expected_status = list(string) }) })), on_failure = optional(string) }))
  default = { "192.0.2.21:80" = { weight = 1 }, "192.0.2.22:80" = { weight = 5, health_check = { http = { expected_status = [200] } } } }
}
locals {
  rows = csvdecode("address,weight\n192.0.2.21,1\n192.0.2.22,5")
  http = { "192.0.2.22" = { interval = "2000ms", http = { expected_status = ["200-200"] } } }
}`
	group := func(servers string) string {
		return block + groupService + "\nresource \"lvs_real_server_group\" \"test\" {\n  virtual_server = lvs_virtual_server.test.name\n  servers = " + servers + "\n}"
	}
	first := group(`{ "192.0.2.21:80" = {}, "192.0.2.22:80" = { weight = 5, on_failure = null, health_check = { http = { expected_status = [200] } } } }`)
	steps := []resource.TestStep{{Config: first}, {Config: first, ConfigPlanChecks: noChanges()}}
	for _, servers := range []string{
		`var.typed`,
		`{ for r in local.rows : "${r.address}:80" => { weight = r.weight, health_check = try(local.http[r.address], null) } }`,
	} {
		steps = append(steps, resource.TestStep{Config: group(servers), ConfigPlanChecks: noChanges()})
	}
	other := group(`tomap({ "192.0.2.21:80" = { weight = "2" }, "192.0.2.22:80" = { weight = 5 } })`)
	steps = append(steps,
		resource.TestStep{Config: other}, resource.TestStep{Config: other, ConfigPlanChecks: noChanges()},
		resource.TestStep{
			Config:             "removed {\n  from = lvs_real_server_group.test\n  lifecycle {\n    destroy = false\n  }\n}\n" + block + groupService,
			ExpectNonEmptyPlan: false,
		},
		resource.TestStep{
			Config:           group(`{ "192.0.2.21:80" = { weight = 2, upper_threshold = 0 }, "192.0.2.22:80" = { weight = 5 } }`) + "\nimport {\n  to = lvs_real_server_group.test\n  id = \"web\"\n}",
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction("lvs_real_server_group.test", plancheck.ResourceActionNoop)),
		},
	)
	run(t, steps...)
}

func TestServersOfAGroupMayDependOnWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + `
resource "terraform_data" "weight" {
  input = 7
}
` + groupOf(`"192.0.2.21:80" = { weight = terraform_data.weight.output, health_check = { http = { path = "/${terraform_data.weight.output}" } } }`)
	applied := func() {
		for name, d := range directors {
			if got := d.store.Desired().RealServers["web"][addressPortOf("192.0.2.21:80")]; got.Weight != 7 || got.HealthCheck.HTTP.Path != "/7" {
				t.Errorf("%s has %+v", name, got)
			}
		}
	}
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{PreConfig: applied, Config: config, ConfigPlanChecks: noChanges()},
		resource.TestStep{
			Config:      strings.Replace(config, "= 7", `= "heavy"`, 1),
			ExpectError: saying(`servers["192.0.2.21:80"].weight: a string is not right here: give a whole number`),
		},
	)
}

// From servers one by one to a group in one apply: nothing is taken out, nothing drains.
func TestServersBecomeAGroupInOneApply(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	const single = `
resource "lvs_real_server" "single" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.21"
  port           = 80
}`
	const move = `
removed {
  from = lvs_real_server.single
  lifecycle {
    destroy = false
  }
}
import {
  to = lvs_real_server_group.test
  id = "web"
}`
	group := block + groupOf(`"192.0.2.21:80" = {}`)
	journal := directors["d1"].journal
	run(t,
		resource.TestStep{Config: block + groupService + single},
		resource.TestStep{PreConfig: func() { journal.writes() }, Config: group + move, Check: func(*terraform.State) error {
			for _, request := range journal.writes() {
				if !strings.HasSuffix(request, " PUT /v1/virtual-servers/web/real-servers") {
					return fmt.Errorf("there was a request %s", request)
				}
			}
			return nil
		}},
		resource.TestStep{Config: group, ConfigPlanChecks: noChanges()},
	)
}

// And from a group to servers one by one: the first takes all of them out of the group's hands.
func TestGroupBecomesServersOneByOneInOneApply(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	var singles, imports strings.Builder
	for name, address := range map[string]string{"a": "192.0.2.21", "b": "192.0.2.22"} {
		fmt.Fprintf(&singles, "\nresource \"lvs_real_server\" %q {\n  virtual_server = lvs_virtual_server.test.name\n  address = %q\n  port = 80\n}", name, address)
		fmt.Fprintf(&imports, "\nimport {\n  to = lvs_real_server.%s\n  id = \"web/%s:80\"\n}", name, address)
	}
	const forget = `
removed {
  from = lvs_real_server_group.test
  lifecycle {
    destroy = false
  }
}`
	journal := directors["d1"].journal
	config := block + groupService + singles.String()
	const first = "lvs_real_server.a"
	run(t,
		resource.TestStep{Config: block + groupOf(`"192.0.2.21:80" = {}, "192.0.2.22:80" = {}`)},
		// Without a word about the group it is not taken apart: it is said how to.
		resource.TestStep{
			Config:      config + forget,
			ExpectError: saying("What is lvs_real_server_group of this configuration goes out of the state in the same apply"),
		},
		resource.TestStep{
			PreConfig: func() {
				for name, d := range directors {
					if _, owned := d.store.Desired().Group("web"); !owned {
						t.Errorf("the group is no more on %s", name)
					}
				}
				journal.writes()
			},
			Config: config + forget + imports.String(),
			ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(first, plancheck.ResourceActionUpdate),
				before{first, []string{"director_status", "d1", "drift"}, "owner=the group of all servers, want itself"},
			),
			Check: func(*terraform.State) error {
				for _, request := range journal.writes() {
					if !strings.HasSuffix(request, ":80?ungroup=true") {
						return fmt.Errorf("there was a request %s", request)
					}
				}
				for name, d := range directors {
					if desired := d.store.Desired(); len(desired.Groups) != 0 || desired.RealServers.Count() != 2 || desired.Drains.Count() != 0 {
						return fmt.Errorf("on %s: %+v", name, desired)
					}
				}
				return nil
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
	)
}

func TestServerOfAGroupThatIsWrongIsAnErrorAtItsPlace(t *testing.T) {
	t.Parallel()
	for servers, want := range map[string]string{
		`"192.0.2.21:80" = { weigth = 1 }`:       `servers["192.0.2.21:80"]: there is no attribute "weigth": use drain_timeout,`,
		`"192.0.2.21:80" = { weight = "heavy" }`: `servers["192.0.2.21:80"].weight: a string is not right here: give a whole number`,
		`"192.0.2.21:80" = 1`:                    `servers["192.0.2.21:80"]: this number is not right here: give an object`,
		`"192.0.2.21/80" = {}`:                   `servers["192.0.2.21/80"]`,
		`"192.0.2.21:80" = { health_check = { http = { expected_status = ["abc"] } } }`: `servers["192.0.2.21:80"].health_check.http.expected_status[0]`,
		`"192.0.2.21:80" = { weight = 70000 }`:                                          `servers["192.0.2.21:80"].weight: 70000 is out of range`,
		`"192.0.2.21" = {}`:                                                             `"192.0.2.21" is not address:port`,
		`"192.0.2.21:81" = {}`:                                                          `forwarding_method "dr" keeps the port: use 80`,
		`"[2001:DB8::1]:80" = {}`:                                                       `is not in canonical form: write [2001:db8::1]:80`,
	} {
		t.Run(servers, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + groupOf(servers), PlanOnly: true, ExpectError: saying(want)})
		})
	}
}

// What is not known yet takes nothing else's place.
func TestElementOfAListInAGroupIsJudgedAtItsPlace(t *testing.T) {
	t.Parallel()
	config := func(late, servers string) string {
		return providerBlock(newDirectors(t, "d1", "d2")) + fmt.Sprintf("\nresource \"terraform_data\" \"late\" {\n  input = %q\n}\n", late) + groupOf(servers)
	}
	check := func(http string) string { return `"192.0.2.21:80" = { health_check = { http = { ` + http + ` } } }` }
	for servers, want := range map[string]string{
		check(`expected_status = [terraform_data.late.output, "700"]`):                                                     `servers["192.0.2.21:80"].health_check.http.expected_status[1]: 700 is not a range of status codes`,
		check(`expected_status = ["204", null]`):                                                                           `servers["192.0.2.21:80"].health_check.http.expected_status[1]: null is no value`,
		check(`additional_requests = [terraform_data.late.output, { path = terraform_data.late.output }, { path = "a" }]`): `servers["192.0.2.21:80"].health_check.http.additional_requests[2].path`,
	} {
		t.Run(servers, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{Config: config("/late", servers), PlanOnly: true, ExpectError: saying(want)})
		})
	}
	for servers, late := range map[string]string{
		check(`expected_status = [terraform_data.late.output, "200"]`):                                                                        "204",
		`"192.0.2.21:80" = { health_check = { dns = { name = "a.example", expected_answers = ["192.0.2.1", terraform_data.late.output] } } }`: "192.0.2.2",
	} {
		t.Run(servers, func(t *testing.T) {
			t.Parallel()
			all := config(late, servers)
			run(t, resource.TestStep{Config: all}, resource.TestStep{Config: all, ConfigPlanChecks: noChanges()})
		})
	}
}

func TestServersOfAGroupAreAMap(t *testing.T) {
	t.Parallel()
	config := providerBlock(newDirectors(t, "d1", "d2")) + groupService + "\nresource \"lvs_real_server_group\" \"test\" {\n  virtual_server = lvs_virtual_server.test.name\n  servers = [\"192.0.2.21:80\"]\n}"
	run(t, resource.TestStep{Config: config, PlanOnly: true, ExpectError: saying("this is no map")})
}

// What is written for one server may be written in a group, save what the state must not have.
func TestServerOfAGroupHasTheAttributesOfARealServer(t *testing.T) {
	t.Parallel()
	var fieldsOf func(in reflect.Type) map[string]reflect.Type
	fieldsOf = func(in reflect.Type) map[string]reflect.Type {
		fields := map[string]reflect.Type{}
		for i := range in.NumField() {
			field := in.Field(i)
			if field.Anonymous {
				maps.Copy(fields, fieldsOf(field.Type))
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields[name] = field.Type
		}
		return fields
	}
	var compare func(at string, of tftypes.Type, in reflect.Type)
	compare = func(at string, of tftypes.Type, in reflect.Type) {
		for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
			in = in.Elem()
		}
		if list, ok := of.(tftypes.List); ok {
			of = list.ElementType
		}
		object, ok := of.(tftypes.Object)
		if !ok {
			return
		}
		fields := fieldsOf(in)
		for name, inner := range object.AttributeTypes {
			switch field := fields[name]; {
			case strings.HasSuffix(name, "_wo") || strings.HasSuffix(name, "_wo_version"):
			case field == nil:
				t.Errorf("%s.%s is no field of a request", at, name)
			default:
				compare(at+"."+name, inner, field)
			}
		}
	}
	compare("server", serverType().TerraformType(t.Context()), reflect.TypeFor[spec.RealServer]())
}

// A change of a group is one request to each director, however large it is. How long it takes is measured by
// make bench-provider.
func TestLargeGroupIsOneRequest(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	var servers strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&servers, "\"10.0.%d.%d:80\" = { weight = 1 }\n", i/250, i%250+1)
	}
	config := providerBlock(directors) + groupOf("\n"+servers.String())
	changed := strings.Replace(config, "weight = 1", "weight = 2", 1)
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
		resource.TestStep{PreConfig: func() { directors["d2"].seen("") }, Config: changed},
	)
	if writes := slices.DeleteFunc(directors["d2"].seen("PUT"), func(r string) bool { return strings.HasSuffix(r, "dry_run=true") }); len(writes) != 1 {
		t.Errorf("a change was %d requests: %q", len(writes), writes)
	}
}
