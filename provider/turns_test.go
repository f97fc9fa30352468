package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// carry gives all directors an instance with the address of the objects' service, and makes it active on
// one of them.
func carry(o object, active *testDirector, all ...*testDirector) {
	name := o.key
	if o.kind != spec.KindVRRPInstance {
		name = "carrier"
		v := spec.DefaultVRRPInstance()
		v.VirtualRouterID, v.Interface, v.VirtualAddresses = 7, "eth0", prefixesOf("192.0.2.9/24")
		v.ExcludedAddresses = []spec.ExcludedAddress{{Address: prefixesOf("192.0.2.100/24")[0]}}
		for _, d := range all {
			d.change(spec.KindVRRPInstance, name, v)
		}
	}
	for _, d := range all {
		d.setState(name, spec.InstanceBackup)
	}
	if active != nil {
		active.setState(name, spec.InstanceActive)
	}
}

// puts turns a journal into the names of the directors that were written to.
func puts(t *testing.T, j *journal) (order []string) {
	t.Helper()
	for _, request := range j.writes() {
		director, what, _ := strings.Cut(request, " ")
		if !strings.HasPrefix(what, "PUT ") {
			t.Errorf("a request that is no change of the object: %s", request)
		}
		order = append(order, director)
	}
	return order
}

func TestChangeGoesToTheBackupFirst(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		step := func(config string, active *testDirector, want []string) resource.TestStep {
			return resource.TestStep{
				PreConfig: func() { carry(o, active, d1, d2); d1.journal.writes() },
				Config:    config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate)),
				Check: func(*terraform.State) error {
					switch o.kind {
					case spec.KindCheckScript:
						return nil // no traffic goes through one: all at the same time
					case spec.KindVRRPInstance:
						want = append(want, want[0]) // the end of its hold: see rollout_test.go
					}
					if diff := cmp.Diff(want, puts(t, d1.journal)); diff != "" {
						return fmt.Errorf("the order of writes (-want +got):\n%s", diff)
					}
					return nil
				},
			}
		}
		run(t,
			resource.TestStep{Config: block + o.config},
			step(update, d1, []string{"d2", "d1"}),
			step(block+o.config, d2, []string{"d1", "d2"}),
			step(update, nil, []string{"d1", "d2"}),
		)
	})
}

func TestActiveDirectorIsNotTouchedWhenTheBackupFails(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		if o.kind == spec.KindCheckScript {
			return // no traffic goes through one: all at the same time
		}
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		refusing := func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet || r.URL.Query().Get("dry_run") == "true" {
				return false
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the disk is full"}`))
			return true
		}
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{
				PreConfig: func() { carry(o, d1, d1, d2); d2.setFault(refusing); d1.journal.writes() },
				Config:    update, ExpectError: saying("On d2: the disk is full"),
			},
			resource.TestStep{
				PreConfig: func() {
					if got := puts(t, d1.journal); len(got) != 1 || got[0] != "d2" {
						t.Errorf("written to %v, want d2 alone", got)
					}
					d2.setFault(nil)
				},
				Config: update, ConfigPlanChecks: planned(
					plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate),
					before{o.address, []string{"director_status", "d1", "state"}, inSync},
					before{o.address, []string{"director_status", "d2", "state"}, inSync},
				),
			},
			resource.TestStep{Config: update, ConfigPlanChecks: noChanges()},
		)
	})
}
