package balance

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// twin is one of two balancers that are told the same: one where something changed, the other nothing.
type twin struct {
	*Balancer
	table  *ipvs.Fake
	ended  map[spec.ServerKey]bool
	events []spec.Event
}

func (w *twin) End(ended map[spec.ServerKey]spec.Drain) error {
	for key := range ended {
		w.ended[key] = true
	}
	return nil
}

func newTwin(health Health) *twin {
	w := &twin{table: ipvs.NewFake(), ended: map[spec.ServerKey]bool{}}
	w.Balancer = New(Config{
		Kernel: w.table, Health: health, Ledger: &ledger{}, Drains: w, Log: slog.New(slog.DiscardHandler),
		Publish: func(events ...spec.Event) { w.events = append(w.events, events...) },
	})
	return w
}

// story makes up what happens to a handful of services.
type story struct {
	*rand.Rand
	t       *testing.T
	desired spec.Desired
}

func (s *story) service() string { return fmt.Sprintf("web%d", s.IntN(4)) }

func (s *story) server() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(20 + s.IntN(3))}), 80)
}

// change changes something in one service, and returns its name.
func (s *story) change() string {
	name := s.service()
	key := spec.ServerKey{VirtualServer: name, Address: s.server()}
	v, served := s.desired.VirtualServers[name]
	_, there := s.desired.RealServers.Get(key)
	d := s.desired.Clone()
	switch kind := s.IntN(10); {
	case !served, kind == 0:
		check := spec.DefaultHealthCheck()
		check.TCP = &spec.TCPCheck{}
		v = spec.VirtualServer{
			Address: netip.MustParseAddr("192.0.2.100"), Port: 80 + s.IntN(6), Protocol: spec.TCP, Scheduler: "wrr",
			ForwardingMethod: spec.NAT, Quorum: spec.Quorum{Weight: s.IntN(3)},
		}
		if s.IntN(3) > 0 {
			v.HealthCheck = &check
		}
		if s.IntN(2) == 0 {
			v.SorryServer = &spec.SorryServer{Address: netip.MustParseAddr("192.0.2.99"), Port: 80, ForwardingMethod: spec.NAT}
		}
		for other, o := range d.VirtualServers {
			if other != name && o.Port == v.Port {
				return name // a service has one owner
			}
		}
		d.VirtualServers[name] = v
	case kind == 1:
		delete(d.VirtualServers, name)
		delete(d.RealServers, name)
		delete(d.Drains, name)
	case kind == 2 && there:
		d.Drains.Put(key, spec.Drain{Since: time.Now()})
	case kind <= 4 && there:
		var err error
		if d, err = d.With(d.RemoveServer(key, spec.Duration(time.Duration(s.IntN(4))*time.Second), time.Now())...); err != nil {
			s.t.Fatal(err)
		}
	default:
		var err error
		if d, err = d.With(d.PutServer(key, spec.RealServer{Weight: s.IntN(3)})...); err != nil {
			s.t.Fatal(err)
		}
	}
	s.desired = d
	return name
}

// Whoever is told where something changed ends where those end who look at everything.
func TestWhatIsDecidedByServiceIsWhatIsDecidedAltogether(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &story{Rand: rand.New(rand.NewPCG(seed, 5)), t: t, desired: spec.Desired{}.Clone()}
				health := &verdicts{says: map[string]Verdict{}}
				one, all := newTwin(health), newTwin(health)
				for step := range 60 {
					tellBoth(s, health, one, all)
					compareTwins(t, step, one, all)
					for key := range one.ended {
						if d, _ := s.desired.Drains.Get(key); d.Removes() {
							s.desired = s.desired.Clone()
							s.desired.Drains.Delete(key)
						}
						delete(one.ended, key)
						delete(all.ended, key)
					}
					if t.Failed() {
						return
					}
				}
			})
		})
	}
}

// tellBoth lets something happen, and both balancers know.
func tellBoth(s *story, health *verdicts, one, all *twin) {
	ctx := s.t.Context()
	time.Sleep(time.Duration(s.IntN(3)) * 500 * time.Millisecond)
	refused := tcp(fmt.Sprintf("192.0.2.100:%d", 80+s.IntN(6)))
	busy := ipvs.DestinationKey{Service: refused, Address: s.server()}
	connections := ipvs.Connections{Active: uint32(s.IntN(2)), Inactive: uint32(s.IntN(2))}
	refuses := s.IntN(8) == 0
	for _, w := range []*twin{one, all} {
		w.table.Connect(busy, connections)
		w.table.Refuse(func(op ipvs.Op) error {
			if refuses && op.Service == refused {
				return syscall.EINVAL
			}
			return nil
		})
	}
	if s.IntN(3) == 0 {
		health.set(s.server().String(), []Verdict{Unknown, Up, Down, Suspect}[s.IntN(4)])
		one.Trigger(slices.Collect(maps.Keys(s.desired.VirtualServers))...)
		all.Trigger()
	}
	changed := []string{s.change()}
	if s.IntN(3) == 0 {
		changed = append(changed, s.change())
	}
	for _, name := range changed {
		one.Want(s.desired, name)
	}
	all.Want(s.desired)
	got, want := one.SyncServices(ctx, changed[0]), all.Sync(ctx)
	if (got == nil) != (want == nil) {
		s.t.Errorf("the one ended with %v, the other with %v", got, want)
	}
}

func compareTwins(t *testing.T, step int, one, all *twin) {
	t.Helper()
	options := cmp.Options{
		cmp.AllowUnexported(memories{}, memory{}, draining{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(view{}, "at"),
		cmp.AllowUnexported(view{}), cmpopts.IgnoreFields(view{}, "stats", "about", "services"),
		cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, ipvs.ServiceKey{}, spec.ServerKey{}, ipvs.Destination{}),
	}
	if diff := cmp.Diff(all.view, one.view, options); diff != "" {
		t.Errorf("step %d, view (-altogether +by service):\n%s", step, diff)
	}
	if diff := cmp.Diff(all.base, one.base, options); diff != "" {
		t.Errorf("step %d, what was last wanted (-altogether +by service):\n%s", step, diff)
	}
	if diff := cmp.Diff(all.ended, one.ended, options); diff != "" {
		t.Errorf("step %d, drains that ended (-altogether +by service):\n%s", step, diff)
	}
	if diff := cmp.Diff(all.events, one.events, options, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("step %d, events (-altogether +by service):\n%s", step, diff)
	}
}
