package balance

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// withRefused adds a service that the kernel does not take.
func withRefused(d spec.Desired) spec.Desired {
	d = d.Clone()
	bad := d.VirtualServers["web"]
	bad.Port, bad.Scheduler = 79, "twos"
	d.VirtualServers["bad"] = bad
	return d
}

// refuseTwos is a kernel without that scheduler.
func refuseTwos(op ipvs.Op) error {
	if op.Options.Scheduler == "twos" {
		return syscall.ENOENT
	}
	return nil
}

// One service that cannot be had takes nothing away from the others: their drift is noticed and treated by the policy,
// and what we change in them is none.
func TestAServiceThatStaysRefusedChangesNothingForTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		policy DriftPolicy
		before bool // there is a time in which everything is well
		want   uint32
	}{
		"repair, from the start on": {policy: Repair, want: 1},
		"repair, later":             {policy: Repair, before: true, want: 1},
		"report, from the start on": {policy: Report, want: 9},
		"report, later":             {policy: Report, before: true, want: 9},
	} {
		t.Run(name, func(t *testing.T) {
			onDirector(t, c.policy, func(t *testing.T, d *director) {
				d.table.Refuse(refuseTwos)
				want := plain(a, 1, b, 1)
				if c.before {
					d.Set(want)
					d.sync()
				}
				want = withRefused(want)
				d.Set(want)
				time.Sleep(DefaultResyncInterval)
				d.operator("192.0.2.100:80", b, 9)
				time.Sleep(10 * DefaultResyncInterval)
				for weight := range 5 {
					want.RealServers.Put(server(a), spec.RealServer{Weight: 2 + weight})
					d.Want(want.Clone(), "web")
					err := d.SyncServices(t.Context(), "check") // not web: that would undo
					if err := spec.Concerning(err, spec.KindVirtualServer, "web"); err != nil {
						t.Errorf("web is not written: %v", err)
					}
					time.Sleep(DefaultResyncInterval)
				}
				if a1, b1 := d.weights("192.0.2.100:80"); a1 != 6 || b1 != c.want {
					t.Errorf("weights are %d and %d, want 6 and %d", a1, b1, c.want)
				}
				if diff := cmp.Diff(map[string]uint64{"weight": 1}, d.Metrics().Drift); diff != "" {
					t.Errorf("drift counted (-want +got):\n%s", diff)
				}
				status, _, _ := d.Status(t.Context())
				if bad, web := status["bad"], status["web"]; bad.State != spec.ServiceDegraded || web.State != spec.ServiceUp {
					t.Errorf("the bad one is %+v, the other %+v", bad.VirtualServerState, web.VirtualServerState)
				}
			})
		})
	}
}

// What was written of a service before the rest of it was refused is ours.
func TestHalfOfAChangeIsNoDrift(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.table.Refuse(func(op ipvs.Op) error {
			if op.Server == netip.MustParseAddrPort(b) {
				return syscall.EINVAL
			}
			return nil
		})
		for weight := range 5 {
			d.Set(plain(a, 2+weight, b, 2+weight))
			time.Sleep(DefaultResyncInterval)
		}
		if a1, b1 := d.weights("192.0.2.100:80"); a1 != 6 || b1 != 1 {
			t.Errorf("weights are %d and %d, want 6 and 1", a1, b1)
		}
		d.operator("192.0.2.100:80", a, 9)
		time.Sleep(2 * DefaultResyncInterval)
		if diff := cmp.Diff(map[string]uint64{"weight": 1}, d.Metrics().Drift); diff != "" {
			t.Errorf("drift counted (-want +got):\n%s", diff)
		}
	})
}

// Without the capability, nothing is written of any service, and each has to say so.
func TestEachServiceSaysThatNothingMayBeWritten(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(crowd(3, a, 1))
		d.sync()
		d.table.Refuse(func(ipvs.Op) error { return syscall.EPERM })
		d.Want(crowd(3, a, 2))
		err := d.SyncServices(t.Context(), "web1")
		status, _, _ := d.Status(t.Context())
		for _, name := range []string{"web0", "web1", "web2"} {
			if err := spec.Concerning(err, spec.KindVirtualServer, name); !errors.Is(err, syscall.EPERM) {
				t.Errorf("of %s the error is %v, want %v", name, err, syscall.EPERM)
			}
			if is := status[name]; is.State != spec.ServiceDegraded || !strings.Contains(is.Reason, "CAP_NET_ADMIN") {
				t.Errorf("%s is %+v", name, is.VirtualServerState)
			}
		}
	})
}

// meddled is a table to which another program writes whenever something was written to it, or read.
type meddled struct {
	*ipvs.Fake
	written, read func()
	passes        atomic.Int64
}

func (m *meddled) Info(ctx context.Context) (string, error) {
	if m.passes.Add(1) > 10_000 {
		panic("passes without a rest")
	}
	return m.Fake.Info(ctx)
}

func (m *meddled) Apply(ctx context.Context, ops []ipvs.Op) (int, error) {
	writes, err := m.Fake.Apply(ctx, ops)
	if m.written != nil {
		m.written()
	}
	return writes, err
}

func (m *meddled) ReadServices(ctx context.Context, keys ...ipvs.ServiceKey) (ipvs.Table, ipvs.Stats, error) {
	if m.read != nil {
		m.read()
	}
	return m.Fake.ReadServices(ctx, keys...)
}

func TestAServiceThatSomebodyElseKeepsWritingFailsAlone(t *testing.T) {
	t.Parallel()
	want := crowd(2, a, 1)
	table := &meddled{Fake: ipvs.NewFake()}
	balancer := settled(t, table, want)
	meddle := func() {
		table.Edit(func(t ipvs.Table) {
			t[tcp("192.0.2.100:1000")].Destinations[netip.MustParseAddrPort(a)] = ipvs.Destination{Forwarding: ipvs.NAT, Weight: 7}
		})
	}
	table.written = meddle
	meddle()
	want = want.Clone()
	want.RealServers.Put(spec.ServerKey{VirtualServer: "web1", Address: netip.MustParseAddrPort(a)}, spec.RealServer{Weight: 5})
	balancer.Want(want)
	err := balancer.Sync(t.Context())
	if err := spec.Concerning(err, spec.KindVirtualServer, "web1"); err != nil {
		t.Errorf("of the other the error is %v", err)
	}
	if err := spec.Concerning(err, spec.KindVirtualServer, "web0"); !errors.Is(err, errUnwritten) {
		t.Errorf("the error is %v, want %v", err, errUnwritten)
	}
	status, _, _ := balancer.Status(t.Context())
	if status["web0"].State != spec.ServiceDegraded || status["web1"].State != spec.ServiceUp {
		t.Errorf("they are %+v and %+v", status["web0"].VirtualServerState, status["web1"].VirtualServerState)
	}
}

// A verdict may come after a pass has decided which services to read, and before it decides what to write.
func TestVerdictInTheMiddleOfAPassIsNotLost(t *testing.T) {
	for _, policy := range []DriftPolicy{Repair, Report} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				want := checkedCrowd(2)
				health := &verdicts{says: map[string]Verdict{}}
				for key := range want.RealServers.All() {
					health.set(key.Address.String(), Up)
				}
				table := &meddled{Fake: ipvs.NewFake()}
				balancer := New(Config{Kernel: table, Health: health, Ledger: &ledger{}, Log: slog.New(slog.DiscardHandler), DriftPolicy: policy})
				balancer.Want(want)
				if err := balancer.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer running(t, balancer)()
				const died = "192.0.2.30:80"
				table.Edit(func(t ipvs.Table) {
					t[tcp("192.0.2.100:1000")].Destinations[netip.MustParseAddrPort(a)] = ipvs.Destination{Forwarding: ipvs.NAT, Weight: 7}
				})
				table.read = func() { health.set(died, Down) }
				next, err := want.With(spec.Change{Kind: spec.KindRealServer, Key: "web0/192.0.2.22:80", Value: spec.RealServer{Weight: 5}})
				if err != nil {
					t.Fatal(err)
				}
				balancer.Want(next, "web0")
				balancer.Trigger("web1")
				synctest.Wait()
				balancer.Trigger("web0", "web1") // the checker tells of the verdict
				time.Sleep(longestRest)
				synctest.Wait()
				now, _, err := table.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, service := range []string{"192.0.2.100:1000", "192.0.2.100:1001"} {
					if is := now[tcp(service)].Destinations[netip.MustParseAddrPort(died)]; is.Weight != 0 {
						t.Errorf("the dead server has weight %d in %s", is.Weight, service)
					}
				}
			})
		})
	}
}

// While one service fails, a change of another still costs what it costs, and the failed one.
func TestWhileOneServiceFailsTheOthersAreNotReadForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := ipvs.NewFake()
		want := crowd(100, a, 1, b, 1)
		bad := want.VirtualServers["web3"]
		bad.Port, bad.Scheduler = 79, "twos"
		want.VirtualServers["bad"] = bad
		table.Refuse(refuseTwos)
		balancer := New(Config{Kernel: table, Health: healthy{}, Ledger: &ledger{}, Log: slog.New(slog.DiscardHandler)})
		balancer.Want(want)
		if err := spec.Concerning(balancer.Sync(t.Context()), spec.KindVirtualServer, "web7"); err != nil {
			t.Fatal(err)
		}
		defer running(t, balancer)()
		time.Sleep(time.Hour + DefaultResyncInterval/2) // between two attempts
		before := table.Reads()
		next, err := want.With(spec.Change{Kind: spec.KindRealServer, Key: "web7/192.0.2.22:80", Value: spec.RealServer{Weight: 5}})
		if err != nil {
			t.Fatal(err)
		}
		balancer.Want(next, "web7")
		if err := balancer.SyncServices(t.Context(), "web7"); spec.Concerning(err, spec.KindVirtualServer, "web7") != nil || spec.Concerning(err, spec.KindVirtualServer, "bad") == nil {
			t.Errorf("error is %v, want one of the bad service alone", err)
		}
		synctest.Wait()
		if n := table.Reads() - before; n > 6 {
			t.Errorf("%d services were read", n)
		}
		table.Refuse(nil)
		time.Sleep(DefaultResyncInterval)
		if status, _, _ := balancer.Status(t.Context()); status["bad"].State == spec.ServiceDegraded {
			t.Error("it is still degraded after it could be applied")
		}
	})
}

// Also where nothing else is wanted of it than before.
func TestAServiceThatCannotBeRepairedStaysDegraded(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(crowd(2, a, 1))
		d.sync()
		d.operator("192.0.2.100:1000", a, 9)
		d.table.Refuse(func(op ipvs.Op) error {
			if op.Service == tcp("192.0.2.100:1000") {
				return syscall.EINVAL
			}
			return nil
		})
		time.Sleep(2 * DefaultResyncInterval)
		if err := spec.Concerning(d.SyncServices(t.Context(), "web1"), spec.KindVirtualServer, "web1"); err != nil {
			t.Error(err)
		}
		if is, _ := d.Seen("web0"); is.State != spec.ServiceDegraded {
			t.Errorf("it is %+v", is.VirtualServerState)
		}
	})
}

// What a client asked for that left is wanted all the same.
func TestRequestThatIsGivenUpIsServedSoon(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1))
		time.Sleep(longestRest)
		synctest.Wait()
		d.turn <- struct{}{}
		d.Want(plain(a, 2), "web")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := d.SyncServices(ctx, "web"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want %v", err, context.DeadlineExceeded)
		}
		<-d.turn
		time.Sleep(longestRest)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 2")
	})
}

func TestDrainThatIsOverIsNotLookedAfterWithoutRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &meddled{Fake: ipvs.NewFake()}
		want := plain(a, 1, b, 1)
		balancer := settled(t, table, want)
		defer running(t, balancer)()
		table.Connect(ipvs.DestinationKey{Service: tcp("192.0.2.100:80"), Address: netip.MustParseAddrPort(b)}, ipvs.Connections{Active: 1})
		balancer.Set(removing(t, want, spec.Duration(5*time.Second)))
		synctest.Wait()
		table.Break(errors.New("it does not answer"))
		before := table.passes.Load()
		time.Sleep(time.Minute)
		if n := table.passes.Load() - before; n > 80 {
			t.Errorf("%d passes in a minute", n)
		}
	})
}
