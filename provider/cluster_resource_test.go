package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const everything = `
resource "lvs_check_script" "gateway" {
  name    = "gateway"
  command = ["/etc/lvs-agent/scripts/ping-gateway", "192.0.2.1"]
}

resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members = {
    d1 = { priority = 150 }
    d2 = {}
  }
  track_scripts = { (lvs_check_script.gateway.name) = { weight = -60 } }
}

resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  scheduler         = "wrr"
  forwarding_method = "dr"
  health_check = {
    interval = "2000ms"
    http     = { path = "/healthz", expected_status = ["200", "204-204"] }
    tcp      = {}
    script   = { name = lvs_check_script.gateway.name, dynamic_weight = true }
  }
}

resource "lvs_real_server" "web" {
  count          = 2
  virtual_server = lvs_virtual_server.web.name
  address        = "192.0.2.${21 + count.index}"
  port           = 80
}
`

func TestEverythingIsCreatedOnceAndThenStays(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + everything
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
	)
	for name, d := range directors {
		got := d.store.Desired()
		if n := len(got.VRRPInstances) + len(got.VirtualServers) + len(got.RealServers) + len(got.CheckScripts); n != 0 {
			t.Errorf("%d objects are left on %s after the destroy", n, name)
		}
	}
}

// A plan asks each director for its snapshot, and of servers, however many, nothing else.
func TestPlanOfManyServersMakesOneRequestToEachDirector(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_check_script", providerBlock(directors))
	servers := func(count, weight int) string {
		return fmt.Sprintf(`
resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "nat"
}
resource "lvs_real_server" "web" {
  count          = %d
  virtual_server = lvs_virtual_server.web.name
  address        = "10.0.0.${count.index + 1}"
  port           = 80
  weight         = %d
}
`, count, weight)
	}
	requests := func(what string) {
		t.Helper()
		for _, d := range directors {
			d.seen("")
		}
		if output := w.must(t, "plan"); !strings.Contains(output, what) {
			t.Errorf("the plan does not say %q:\n%s", what, output)
		}
		for name, d := range directors {
			if diff := cmp.Diff([]string{"GET /v1/snapshot"}, d.seen("")); diff != "" {
				t.Errorf("%s was asked (-want +got) for the plan of %q:\n%s", name, what, diff)
			}
		}
	}
	w.write(t, "servers.tf", servers(0, 1))
	w.must(t, "apply", "-auto-approve")
	requests("No changes.")
	w.write(t, "servers.tf", servers(50, 1))
	requests("50 to add")
	w.must(t, "apply", "-auto-approve")
	requests("No changes.")
	w.write(t, "servers.tf", servers(50, 2))
	requests("50 to change")
}

func TestObjectIsUpdatedInPlaceOnAllDirectors(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				Config:            block + strings.Replace(o.config, o.update[0], o.update[1], 1),
				ConfigPlanChecks:  planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate)),
				ConfigStateChecks: []statecheck.StateCheck{status(o, "d1", inSync), status(o, "d2", inSync)},
				Check: func(*terraform.State) error {
					for _, d := range []*testDirector{d1, d2} {
						if diff := cmp.Diff(tree(o.updated), tree(o.desired(d))); diff != "" {
							return fmt.Errorf("%s (-want +got):\n%s", d.name, diff)
						}
					}
					return nil
				},
			},
		)
	})
}

func TestDriftOnOneDirectorIsAnUpdateThatNamesDirectorAndField(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, d2 *testDirector, block string) {
		drift := tfjsonpath.New("director_status").AtMapKey("d2")
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				PreConfig: func() { d2.change(o.kind, o.key, o.changed) },
				Config:    block + o.config,
				ConfigPlanChecks: planned(
					plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(o.address, drift.AtMapKey("state"), knownvalue.StringExact(inSync)),
					before{o.address, []string{"director_status", "d2", "drift"}, o.drift},
					before{o.address, []string{"director_status", "d1", "state"}, inSync},
				),
				ConfigStateChecks: []statecheck.StateCheck{status(o, "d1", inSync), status(o, "d2", inSync)},
			},
			resource.TestStep{Config: block + o.config, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestDriftThatAllDirectorsAgreeOnShowsAtTheAttribute(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				PreConfig:          func() { d1.change(o.kind, o.key, o.changed); d2.change(o.kind, o.key, o.changed) },
				RefreshState:       true,
				ExpectNonEmptyPlan: true,
				ConfigStateChecks:  []statecheck.StateCheck{},
			},
			resource.TestStep{
				Config: block + o.config,
				ConfigPlanChecks: planned(
					plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate),
					before{o.address, []string{"director_status", "d1", "state"}, inSync},
					before{o.address, strings.Split(o.attribute, "/"), text(inside(tree(o.changed), o.attribute))},
				),
			},
			resource.TestStep{Config: block + o.config, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestObjectThatDisappearedFromOneDirectorIsPutBackThere(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				PreConfig: func() { d1.change(o.kind, o.key, nil) },
				Config:    block + o.config,
				ConfigPlanChecks: planned(
					plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate),
					before{o.address, []string{"director_status", "d1", "state"}, missing},
				),
				Check: func(*terraform.State) error {
					if diff := cmp.Diff(tree(o.desired(d2)), tree(o.desired(d1))); diff != "" {
						return fmt.Errorf("d2 and d1 differ (-d2 +d1):\n%s", diff)
					}
					return nil
				},
			},
		)
	})
}

func TestObjectThatDisappearedFromAllDirectorsIsCreatedAgain(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				PreConfig:        func() { d1.change(o.kind, o.key, nil); d2.change(o.kind, o.key, nil) },
				Config:           block + o.config,
				ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionCreate)),
			},
		)
	})
}

func TestImportedObjectNeedsNoChange(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, _ *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				ResourceName: o.address, ImportState: true, ImportStateId: o.importID, ImportStateVerify: true,
				ImportStateVerifyIdentifierAttribute: "director_status.%",
			},
		)
		// And by a block, into an empty state.
		directors := newDirectors(t, "d1", "d2")
		for _, d := range directors {
			for _, c := range append(o.needs, spec.Change{Kind: o.kind, Key: o.key, Value: o.updated}) {
				d.change(c.Kind, c.Key, c.Value)
			}
		}
		run(t, resource.TestStep{
			Config: providerBlock(directors) + strings.Replace(o.config, o.update[0], o.update[1], 1) +
				fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", o.address, o.importID),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionNoop)),
		})
	})
}

func TestImportOfWhatIsNotThereFails(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, _ *testDirector, block string) {
		run(t, resource.TestStep{
			Config: block + o.config, ResourceName: o.address, ImportState: true, ImportStateId: o.importID,
			ExpectError: saying("Cannot import non-existent remote object"),
		})
	})
}

func TestCreateOfWhatExistsSaysWhatDiffersAndHowToImportIt(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		d2.change(o.kind, o.key, o.changed)
		run(t,
			resource.TestStep{Config: block + o.config, ExpectError: saying("on d2: " + o.drift)},
			resource.TestStep{Config: block + o.config, ExpectError: saying("import { to = lvs_" + string(o.kind) + ".")},
			resource.TestStep{
				PreConfig: func() {
					if o.desired(d1) != nil {
						t.Error("it was created on d1 all the same")
					}
				},
				Config: strings.Replace(block, "provider \"lvs\" {", "provider \"lvs\" {\n  adopt_existing = true", 1) + o.config,
			},
		)
	})
}

func TestDirectorsOfAnObjectAreAddedAndTakenAway(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		one := strings.Replace(o.config, "{\n", "{\n  directors = [\"d1\"]\n", 1)
		if o.kind == spec.KindVRRPInstance {
			one = strings.Replace(o.config, ", d2 = { priority = 100 }", "", 1)
		}
		run(t,
			resource.TestStep{Config: block + one, Check: func(*terraform.State) error {
				if o.desired(d1) == nil || o.desired(d2) != nil {
					return fmt.Errorf("on d1: %v, on d2: %v", o.desired(d1), o.desired(d2))
				}
				return nil
			}},
			resource.TestStep{Config: block + o.config, Check: func(*terraform.State) error {
				if diff := cmp.Diff(tree(o.desired(d1)), tree(o.desired(d2))); diff != "" {
					return fmt.Errorf("d1 and d2 differ (-d1 +d2):\n%s", diff)
				}
				return nil
			}},
			resource.TestStep{Config: block + one, Check: func(*terraform.State) error {
				if o.desired(d1) == nil || o.desired(d2) != nil {
					return fmt.Errorf("on d1: %v, on d2: %v", o.desired(d1), o.desired(d2))
				}
				return nil
			}},
			resource.TestStep{
				PreConfig: func() { d2.change(o.kind, o.key, o.changed) }, Config: block + o.config,
				ExpectError: saying("on d2: " + o.drift),
			},
		)
	})
}

func TestDriftOfTheKernelIsShownAndRepaired(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, d2 *testDirector, block string) {
		name, server, _ := strings.Cut(o.key, "/")
		drift := spec.Drift{Kind: o.kind, Name: name, Server: server, Field: "weight", Actual: "9", Want: "1"}
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				PreConfig: func() { d2.setDrift(drift) }, Config: block + o.config,
				ConfigPlanChecks: planned(before{o.address, []string{"director_status", "d2", "drift"}, "weight=9, want 1"}),
			},
			resource.TestStep{Config: block + o.config, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestUnknownDirectorIsNamedWithTheKnownOnes(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, _ *testDirector, block string) {
		config := strings.Replace(o.config, "{\n", "{\n  directors = [\"d9\"]\n", 1)
		if o.kind == spec.KindVRRPInstance {
			config = strings.Replace(o.config, "d2 =", "d9 =", 1)
		}
		run(t, resource.TestStep{Config: block + config, PlanOnly: true, ExpectError: saying(`"d9" is not a director of the provider: use one of d1, d2`)})
	})
}

func TestInstanceThatIsTaintedIsMadeAnew(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, _ *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				Taint: []string{o.address}, Config: block + o.config,
				ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionDestroyBeforeCreate)),
			},
		)
	})
}
