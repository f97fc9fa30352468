package provider

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

func TestObjectIsCreatedKeptAndDestroyed(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		run(t,
			resource.TestStep{
				Config: block + o.config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionCreate)),
				ConfigStateChecks: []statecheck.StateCheck{status(o, "d1", inSync), status(o, "d2", inSync)},
				Check: func(*terraform.State) error {
					if o.desired(d1) == nil || o.desired(d2) == nil {
						return fmt.Errorf("on d1: %v, on d2: %v", o.desired(d1), o.desired(d2))
					}
					return nil
				},
			},
			resource.TestStep{Config: block + o.config, ConfigPlanChecks: noChanges()},
			resource.TestStep{Config: block, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionDestroy))},
			resource.TestStep{PreConfig: func() {
				for _, d := range []*testDirector{d1, d2} {
					if left := o.desired(d); left != nil {
						t.Errorf("left on %s: %v", d.name, left)
					}
				}
			}, Config: block, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestDestroyWithADirectorDownIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(downForWrites) }, Config: block, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{
				PreConfig: func() {
					if o.desired(d1) != nil {
						t.Error("it is still on d1: a destroy goes on over all directors")
					}
					d2.setFault(nil)
				},
				Config: block, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionDestroy)),
			},
			resource.TestStep{PreConfig: func() {
				if o.desired(d2) != nil {
					t.Error("it is still on d2")
				}
			}, Config: block, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestDestroyWithADirectorDownLeavesItThereWhereThatIsAWarning(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		block = strings.Replace(block, "provider \"lvs\" {", "provider \"lvs\" {\n  on_unreachable = \"warn\"", 1)
		run(t,
			resource.TestStep{Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(down) }, Config: block},
			resource.TestStep{PreConfig: func() {
				if o.desired(d1) != nil || o.desired(d2) == nil {
					t.Errorf("on d1: %v, on d2: %v", o.desired(d1), o.desired(d2))
				}
				d2.setFault(nil)
			}, Config: block, ConfigPlanChecks: noChanges()},
		)
	})
}

// A director that answers the dry run and then dies is no reason to go on without it: what was made elsewhere
// is not what was planned.
func TestDirectorThatDiesBetweenPreflightAndWriteIsAnErrorWhereThatIsAWarning(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		block = strings.Replace(block, "provider \"lvs\" {", "provider \"lvs\" {\n  on_unreachable = \"warn\"", 1)
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		run(t,
			resource.TestStep{PreConfig: func() { d2.setFault(downForWrites) }, Config: block + o.config, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{PreConfig: func() {
				if o.desired(d1) != nil {
					t.Error("what was made on d1 is still there")
				}
				d2.setFault(nil)
			}, Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(downForWrites) }, Config: update, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{PreConfig: func() { d2.setFault(nil) }, Config: update, ConfigPlanChecks: planned(
				before{o.address, []string{"director_status", "d1", "state"}, inSync},
				before{o.address, []string{"director_status", "d2", "state"}, drifted},
			)},
			resource.TestStep{Config: update, ConfigPlanChecks: noChanges()},
		)
	})
}

func TestDirectorThatAnswersAWriteWithGarbageIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		garbage := func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || r.URL.Query().Get("dry_run") == "true" {
				return false
			}
			_, _ = w.Write([]byte(`<html>It works!</html>`)) // the client may be gone
			return true
		}
		update := block + strings.Replace(o.config, o.update[0], o.update[1], 1)
		run(t,
			resource.TestStep{PreConfig: func() { d2.setFault(garbage) }, Config: block + o.config, ExpectError: saying("On d2: the answer is not that of lvs-agent")},
			resource.TestStep{PreConfig: func() {
				if o.desired(d1) != nil {
					t.Error("what was made on d1 is still there")
				}
				d2.setFault(nil)
			}, Config: block + o.config},
			resource.TestStep{PreConfig: func() { d2.setFault(garbage) }, Config: update, ExpectError: saying("On d2: the answer is not that of lvs-agent")},
			resource.TestStep{PreConfig: func() { d2.setFault(nil) }, Config: update, ConfigPlanChecks: planned(before{o.address, []string{"director_status", "d2", "state"}, drifted})},
			resource.TestStep{Config: update, ConfigPlanChecks: noChanges()},
		)
	})
}

// Many resources of all kinds at the same time, as many as Terraform's default lets run.
func TestManyObjectsAreChangedAtTheSameTime(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_ipvs_settings", providerBlock(directors))
	const count = 12
	config := func(weight int) string {
		return fmt.Sprintf(`
resource "lvs_check_script" "many" {
  count   = %[1]d
  name    = "script-${count.index}"
  command = ["/scripts/ping", "%[2]d"]
}
resource "lvs_vrrp_instance" "many" {
  count             = %[1]d
  name              = "router-${count.index}"
  virtual_router_id = count.index + 1
  interface         = "eth0"
  virtual_addresses = ["192.0.2.${count.index + 100}/24"]
  members           = { d1 = { priority = 150 }, d2 = { priority = 100 + %[2]d } }
  track_scripts     = { (lvs_check_script.many[count.index].name) = { weight = -10 } }
}
resource "lvs_virtual_server" "many" {
  count             = %[1]d
  name              = "service-${count.index}"
  address           = "192.0.2.${count.index + 100}"
  port              = 80
  forwarding_method = "nat"
  drain_timeout     = "%[2]ds"
}
resource "lvs_real_server" "many" {
  count          = %[1]d
  virtual_server = lvs_virtual_server.many[0].name
  address        = "10.0.0.${count.index + 1}"
  port           = 80
  weight         = %[2]d
}
resource "lvs_real_server_group" "many" {
  count          = %[1]d - 1
  virtual_server = lvs_virtual_server.many[count.index + 1].name
  servers        = { "10.0.0.1:80" = { weight = %[2]d } }
}
`, count, weight)
	}
	for _, weight := range []int{1, 2} {
		w.write(t, "many.tf", config(weight))
		w.must(t, "apply", "-auto-approve", "-parallelism=10")
		if output := w.must(t, "plan"); !strings.Contains(output, "No changes.") {
			t.Errorf("the plan after it says:\n%s", output)
		}
	}
	w.must(t, "destroy", "-auto-approve", "-parallelism=10")
	for name, d := range directors {
		if v := d.store.Desired(); len(v.VRRPInstances)+len(v.VirtualServers)+v.RealServers.Count()+len(v.Groups)+len(v.CheckScripts) != 0 || v.IPVSSettings != nil {
			t.Errorf("left on %s: %+v", name, v)
		}
	}
}

func TestInterruptInTheMiddleOfACreateLeavesNothing(t *testing.T) {
	t.Parallel()
	provider := buildProvider(t)
	directors := newDirectors(t, "d1", "d2")
	d1, d2 := directors["d1"], directors["d2"]
	w := newWorkspace(t, provider, "../examples/resources/lvs_check_script", providerBlock(directors))
	writing := make(chan struct{}, 1)
	d2.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || r.URL.Query().Get("dry_run") == "true" {
			return false
		}
		for d1.store.Desired().CheckScripts["gateway"].Command == nil {
			time.Sleep(10 * time.Millisecond) // d1 comes first
		}
		_, _ = io.Copy(io.Discard, r.Body) // a server notices only then that its client goes
		writing <- struct{}{}
		select {
		case <-r.Context().Done(): // the user gives up, and the provider with him
		case <-time.After(time.Minute):
			t.Error("the provider waits on")
		}
		return down(w, r)
	})
	apply := exec.CommandContext(t.Context(), os.Getenv("TF_ACC_TERRAFORM_PATH"), "apply", "-auto-approve", "-no-color")
	apply.Dir, apply.Env = w.dir, w.env
	var said strings.Builder
	apply.Stdout, apply.Stderr = &said, &said
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	<-writing
	if err := apply.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := apply.Wait(); err == nil {
		t.Errorf("the apply went well:\n%s", said.String())
	}
	for name, d := range directors {
		if left := d.store.Desired().CheckScripts; len(left) != 0 {
			t.Errorf("left on %s: %v\n%s", name, left, said.String())
		}
	}
	d2.setFault(nil)
	if output := w.must(t, "apply", "-auto-approve"); !strings.Contains(output, "1 added") {
		t.Errorf("the next apply said:\n%s", output)
	}
}
