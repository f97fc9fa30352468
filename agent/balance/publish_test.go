package balance

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// happened returns what was published after a revision, a line each, and the last revision.
func (d *director) happened(after uint64) (string, uint64) {
	d.t.Helper()
	synctest.Wait()
	var lines []string
	for {
		events, _, ok := d.events.Read(after)
		if !ok {
			d.t.Fatal("events are gone")
		}
		if len(events) == 0 {
			return strings.Join(lines, "\n"), after
		}
		for _, e := range events {
			after = e.Revision
			text := strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Type, e.Kind, e.Name, e.Server))
			if e.State != nil {
				text += fmt.Sprintf(": %s -> %s", e.State.From, e.State.To)
			}
			if e.Drain != nil {
				text += ": " + string(e.Drain.Kind)
				if e.Reason != "" {
					text += ", " + e.Reason
				}
			}
			if e.Drift != nil {
				text += fmt.Sprintf(": %s=%s, want %s", e.Drift.Field, e.Drift.Actual, e.Drift.Want)
			}
			lines = append(lines, text)
		}
	}
}

func TestEventsSayWhatBecomesOfServersAndTheirService(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		var after uint64
		for _, step := range []struct {
			does string
			do   func()
			want string
		}{
			{"not checked yet", func() { d.Set(web(a, 1, b, 1)) }, ""},
			{"first passes", func() { d.health.set(a, Up); d.health.set(b, Up) },
				"state_changed real server web 192.0.2.21:80:  -> healthy\nstate_changed real server web 192.0.2.22:80:  -> healthy\n" +
					"state_changed virtual server web: down -> up"},
			{"nothing", func() {}, ""},
			{"one fails", func() { d.health.set(a, Down) },
				"state_changed real server web 192.0.2.21:80: healthy -> unhealthy"},
			{"the other, too", func() { d.health.set(b, Down) },
				"state_changed real server web 192.0.2.22:80: healthy -> unhealthy\nstate_changed virtual server web: up -> down"},
			{"one never was well", func() { d.Set(web(a, 1, b, 1, "192.0.2.23:80", 1)); d.health.set("192.0.2.23:80", Down) },
				"state_changed real server web 192.0.2.23:80:  -> unhealthy"},
			{"all go", func() { d.Set(spec.Desired{}) }, ""},
		} {
			var got string
			step.do()
			d.sync()
			if got, after = d.happened(after); got != step.want {
				t.Errorf("%s (-want +got):\n%s", step.does, cmp.Diff(step.want, got))
			}
		}
	})
}

func TestEventsSayWhatBecomesOfADrain(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		both := plain(a, 1, b, 1)
		const begun, ended = "drain_begun real server web 192.0.2.22:80", "drain_ended real server web 192.0.2.22:80"
		var after uint64
		for _, step := range []struct {
			does string
			do   func()
			want string
		}{
			{"nothing rests", func() { d.Set(both) }, ""},
			{"maintenance", func() { d.Set(resting(both)) }, begun + ": maintenance"},
			{"nothing", func() {}, ""},
			{"undone", func() { d.Set(both) }, ended + ": maintenance, in service again"},
			{"removal", func() { d.connect(ipvs.Connections{Active: 1}); d.Set(removing(t, both, patience)) }, begun + ": removal"},
			{"put back", func() { d.Set(both) }, "state_changed real server web 192.0.2.22:80:  -> healthy\n" + ended + ": removal, in service again"},
			{"removal of an idle one", func() { d.connect(ipvs.Connections{}); d.Set(removing(t, both, patience)) },
				begun + ": removal\n" + ended + ": removal, removed"},
		} {
			var got string
			step.do()
			d.sync()
			if got, after = d.happened(after); got != step.want {
				t.Errorf("%s (-want +got):\n%s", step.does, cmp.Diff(step.want, got))
			}
		}
	})
}

func TestARestartIsNoChangeOfState(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.Set(web(a, 1))
		d.sync()
		d.restart(Repair)
		d.Set(web(a, 1))
		d.sync()
		if got, _ := d.happened(0); got != "" {
			t.Errorf("told of %s", got)
		}
	})
}

// Drift of what is gone, or is wanted no more, is not repaired.
func TestDriftOfWhatIsGoneIsForgotten(t *testing.T) {
	onDirector(t, Report, func(t *testing.T, d *director) {
		const at = "real server web 192.0.2.21:80: weight=9, want 1"
		d.Set(plain(a, 1, b, 1))
		d.sync()
		_, after := d.happened(0)
		for _, step := range []struct {
			does string
			do   func()
			want string
		}{
			{"somebody edits", func() { d.operator("192.0.2.100:80", a, 9) }, "drift_noticed " + at},
			{"somebody deletes the service", func() { d.table.Edit(func(t ipvs.Table) { clear(t) }) },
				"drift_noticed virtual server web: present=false, want true\nstate_changed virtual server web: up -> down"},
			{"it is asked for again", d.sync, "drift_repaired virtual server web: present=false, want true\nstate_changed virtual server web: down -> up"},
			{"somebody edits again", func() { d.operator("192.0.2.100:80", a, 9) }, "drift_noticed " + at},
			{"it is wanted no more", func() { d.Set(spec.Desired{}) }, ""},
		} {
			step.do()
			time.Sleep(DefaultResyncInterval)
			var got string
			if got, after = d.happened(after); got != step.want {
				t.Errorf("%s (-want +got):\n%s", step.does, cmp.Diff(step.want, got))
			}
		}
	})
}

func TestDriftIsToldOfWhenItIsNoticedAndWhenItIsRepaired(t *testing.T) {
	for _, policy := range []DriftPolicy{Repair, Report} {
		t.Run(string(policy), func(t *testing.T) {
			onDirector(t, policy, func(t *testing.T, d *director) {
				const at = "real server web 192.0.2.21:80: weight="
				d.Set(plain(a, 1))
				d.sync()
				_, after := d.happened(0)
				d.operator("192.0.2.100:80", a, 9)
				time.Sleep(DefaultResyncInterval)
				noticed := "drift_noticed " + at + "9, want 1"
				if policy == Repair {
					noticed += "\ndrift_repaired " + at + "9, want 1"
				}
				got, after := d.happened(after)
				if diff := cmp.Diff(noticed, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if policy == Repair {
					return
				}
				d.operator("192.0.2.100:80", a, 8)
				time.Sleep(DefaultResyncInterval)
				time.Sleep(DefaultResyncInterval)
				d.sync()
				want := "drift_noticed " + at + "8, want 1\ndrift_repaired " + at + "8, want 1"
				if got, _ := d.happened(after); got != want {
					t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
				}
			})
		})
	}
}
