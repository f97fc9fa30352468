package provider

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const putWeb = " PUT /v1/vrrp-instances/web"

// active makes a director active in the instance "web", and all others backup.
func active(directors map[string]*testDirector, name string) {
	for _, d := range directors {
		d.setState("web", spec.InstanceBackup)
	}
	directors[name].setState("web", spec.InstanceActive)
}

func TestChangeThatDeafensHoldsTheBackupsUntilTheActiveDirectorHasMadeIt(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2", "d3")
	journal := directors["d1"].journal
	block := providerBlock(directors)
	instance := func(vrid, members string) string {
		return block + `resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = ` + vrid + `
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { ` + members + ` }
}`
	}
	const all, d1, d2, d3 = "d1 = { priority = 150 }, d2 = {}, d3 = { priority = 50 }", "d1 = { priority = 150 }", "d2 = {}", "d3 = { priority = 50 }"
	is := func(name string) func() { return func() { active(directors, name); journal.writes() } }
	wants := func(want ...string) func() {
		return func() {
			if diff := cmp.Diff(want, journal.writes()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		}
	}
	// 2 × (3 + 255/256) × 1 s + 30 s.
	const held = putWeb + "?hold=37.9921875s"
	run(t,
		resource.TestStep{Config: instance("51", d1+", "+d2)},
		resource.TestStep{PreConfig: is("d1"), Config: instance("52", d1+", "+d2)},
		resource.TestStep{
			PreConfig: then(wants("d2"+held, "d1"+putWeb, "d2"+putWeb), is("d2")),
			Config:    instance("53", d1+", "+d2),
		},
		// One that comes has nothing to be held for, unless the others become deaf to it.
		resource.TestStep{PreConfig: then(wants("d1"+held, "d2"+putWeb, "d1"+putWeb), is("d1")), Config: instance("53", all)},
		// One that goes is off before the active one changes: it would become active, too.
		resource.TestStep{PreConfig: then(func() { journal.writes() }, is("d1")), Config: instance("54", d1+", "+d3)},
		resource.TestStep{
			PreConfig: wants("d3"+held, "d2 DELETE /v1/vrrp-instances/web?cascade=true", "d1"+putWeb, "d3"+putWeb),
			Config:    instance("54", d1+", "+d3), ConfigPlanChecks: noChanges(),
		},
	)
}

func TestChangeThatDeafensStopsWhereItFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails string
		wrote []string
		text  string
	}{
		"at the backup":         {"d2", []string{"d2"}, "On d2: no answer"},
		"at the active one":     {"d1", []string{"d2", "d1"}, "On d1: no answer"},
		"where the roles moved": {"", []string{"d2"}, "On d2: it is active here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			o := objects()["vrrp instance"]
			block := providerBlock(directors)
			update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
			fault := func() {
				active(directors, "d1")
				if test.fails != "" {
					directors[test.fails].setFault(downForWrites)
					return
				}
				directors["d2"].setFault(func(_ http.ResponseWriter, r *http.Request) bool {
					if r.URL.Query().Has("hold") {
						active(directors, "d2")
					}
					return false
				})
			}
			run(t,
				resource.TestStep{Config: block + o.config},
				resource.TestStep{PreConfig: then(fault, func() { directors["d1"].journal.writes() }), Config: update, ExpectError: saying(test.text)},
				resource.TestStep{
					PreConfig: func() {
						var wrote []string
						for _, request := range directors["d1"].journal.writes() {
							if name := request[:2]; len(wrote) == 0 || wrote[len(wrote)-1] != name { // the client tries again
								wrote = append(wrote, name)
							}
						}
						if diff := cmp.Diff(test.wrote, wrote); diff != "" {
							t.Errorf("written to (-want +got):\n%s", diff)
						}
						for _, d := range directors {
							d.setFault(nil)
						}
					},
					Config: update, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate)),
				},
				resource.TestStep{Config: update, ConfigPlanChecks: noChanges()},
			)
		})
	}
}

func then(these ...func()) func() {
	return func() {
		for _, f := range these {
			f()
		}
	}
}

func TestChangeThatDeafensWarnsOfWhatMayComeOfIt(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	active(directors, "d1")
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_check_script", providerBlock(directors, `on_unreachable = "warn"`))
	config := func(vrid string) {
		w.write(t, "instance.tf", strings.NewReplacer("51", vrid, "  track_scripts          = { gateway = { weight = -60 } }\n", "").Replace(goodInstance))
	}
	apply := func() string {
		output, _ := w.terraform(t, "apply", "-auto-approve")
		return strings.Join(strings.Fields(strings.ReplaceAll(output, "│", " ")), " ")
	}
	config("51")
	apply()
	config("52")
	directors["d1"].setFault(downForWrites)
	if output := apply(); !strings.Contains(output, "d2: the change is made there, but not on the active director") || !strings.Contains(output, "Apply again within 38s") {
		t.Errorf("an active director that fails: %s", output)
	}
	config("53")
	directors["d1"].setFault(down)
	if output := apply(); !strings.Contains(output, "d1 was left out, and no longer hears the others") {
		t.Errorf("an active director that is left out: %s", output)
	}
}
