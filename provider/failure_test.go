package provider

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestCreateThatFailsAnywhereLeavesNothing(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		d2.setFault(downForWrites)
		run(t,
			resource.TestStep{Config: block + o.config, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{
				PreConfig: func() {
					if o.desired(d1) != nil || len(d1.seen("DELETE")) == 0 {
						t.Error("it is still on d1")
					}
					d2.setFault(nil)
				},
				Config: block + o.config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionCreate)),
			},
		)
	})
}

func TestUpdateThatFailsOnOneDirectorIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(downForWrites) }, Config: update, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{
				PreConfig: func() {
					if diff := cmp.Diff(tree(o.updated), tree(o.desired(d1))); diff != "" {
						t.Errorf("d1 (-want +got):\n%s", diff)
					}
					d2.setFault(nil)
				},
				Config: update,
				ConfigPlanChecks: planned(
					plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate),
					before{o.address, []string{"director_status", "d1", "state"}, inSync},
					before{o.address, []string{"director_status", "d2", "state"}, drifted},
				),
			},
			resource.TestStep{Config: update, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestDirectorThatIsDownStopsEverythingBeforeAChange(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		d2.setFault(down)
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		run(t,
			resource.TestStep{Config: block + o.config, ExpectError: saying(`set on_unreachable = "warn" in the provider`)},
			resource.TestStep{PreConfig: func() {
				if o.desired(d1) != nil {
					t.Error("it was created on d1 all the same")
				}
				d2.setFault(nil)
			}, Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(down); d1.seen("") }, Config: update, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{PreConfig: func() {
				if puts := d1.seen("PUT"); len(puts) != 0 {
					t.Errorf("d1 was written to all the same: %q", puts)
				}
				d2.setFault(nil)
			}, Config: update},
		)
	})
}

func TestDirectorThatIsDownIsLeftOutWhereThatIsAWarning(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		block = strings.Replace(block, "provider \"lvs\" {", "provider \"lvs\" {\n  on_unreachable = \"warn\"", 1)
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		d2.setFault(down)
		run(t,
			resource.TestStep{Config: block + o.config, ConfigStateChecks: []statecheck.StateCheck{status(o, "d1", inSync), status(o, "d2", notApplied)}},
			// It is behind, too: a read that finds it still down does not forget that.
			resource.TestStep{Config: block + o.config, ConfigPlanChecks: noChanges(), ConfigStateChecks: []statecheck.StateCheck{status(o, "d2", notApplied)}},
			resource.TestStep{
				Config: update, ConfigPlanChecks: planned(plancheck.ExpectUnknownValue(o.address, tfjsonpath.New("director_status").AtMapKey("d2"))),
				ConfigStateChecks: []statecheck.StateCheck{status(o, "d1", inSync), status(o, "d2", notApplied)},
			},
			resource.TestStep{
				PreConfig: func() { d2.setFault(nil) }, Config: update,
				ConfigPlanChecks:  planned(before{o.address, []string{"director_status", "d2", "state"}, missing}),
				ConfigStateChecks: []statecheck.StateCheck{status(o, "d1", inSync), status(o, "d2", inSync)},
			},
			resource.TestStep{PreConfig: func() { d2.setFault(down) }, Config: update, ConfigPlanChecks: noChanges()},
			// Gone from the only director that answers, it is not known to be gone.
			resource.TestStep{
				PreConfig: func() { d1.change(o.kind, o.key, nil) }, Config: update,
				ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionUpdate)),
			},
		)
	})
}

func TestWhatADirectorCannotDoIsSaidAtPlan(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, d2 *testDirector, block string) {
		if o.kind == spec.KindRealServer || o.kind == spec.KindRealServerGroup {
			t.Log("a machine has nothing to say about a real server by itself: its service is judged")
			return
		}
		d2.setRefusal(spec.FieldError{Pointer: "/" + o.attribute, Detail: "this machine cannot do that"})
		run(t, resource.TestStep{Config: block + o.config, PlanOnly: true, ExpectError: regexp.MustCompile(`On d2:.*this machine cannot do that`)})
	})
}

func TestWrongTokenIsSaidAtPlan(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, d2 *testDirector, block string) {
		d2.setFault(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		run(t, resource.TestStep{Config: block + o.config, PlanOnly: true, ExpectError: saying("On d2: it refused the token: set token (or LVS_TOKEN)")})
	})
}

func TestDirectorThatAnswersGarbageChangesNothing(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, _, d2 *testDirector, block string) {
		garbage := func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(`<html>It works!</html>`)) // the client may be gone
			return true
		}
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(garbage) }, Config: block + o.config, ExpectError: saying("On d2: the answer is not that of lvs-agent")},
			resource.TestStep{PreConfig: func() { d2.setFault(nil) }, Config: block + o.config, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestStateSaysHowFarAFailedUpdateWent(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_check_script", providerBlock(directors))
	w.must(t, "apply", "-auto-approve")
	file := filepath.Join(w.dir, "resource.tf")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "resource.tf", replaceOnce(t, string(text), "rise     = 2", "rise     = 5"))
	directors["d2"].setFault(downForWrites)
	if output, exitCode := w.terraform(t, "apply", "-auto-approve"); exitCode != 1 {
		t.Fatalf("apply ended with %d:\n%s", exitCode, output)
	}
	output, exitCode := w.terraform(t, "plan", "-refresh=false", "-detailed-exitcode")
	if want := `- drift = "rise=2, want 5" -> null`; exitCode != 2 || !strings.Contains(output, want) {
		t.Errorf("the plan from the state alone ended with %d and does not say %s:\n%s", exitCode, want, output)
	}
}
