package balance

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	service  = "-A -t 192.0.2.100:80 -s wrr"
	first1   = "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1"
	second0  = "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 0"
	second1  = "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1"
	patience = spec.Duration(30 * time.Second)
)

// End makes the director its own Drains.
func (d *director) End(ended map[spec.ServerKey]spec.Drain) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range ended {
		d.ended = append(d.ended, key.Address.String())
	}
	return nil
}

func (d *director) wantsEnded(servers ...string) {
	d.t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if diff := cmp.Diff(servers, d.ended); diff != "" {
		d.t.Errorf("drains that ended (-want +got):\n%s", diff)
	}
}

// connect sets the connections of server b.
func (d *director) connect(c ipvs.Connections) { d.connectTo(tcp("192.0.2.100:80"), c) }

func (d *director) connectTo(service ipvs.ServiceKey, c ipvs.Connections) {
	d.table.Connect(ipvs.DestinationKey{Service: service, Address: netip.MustParseAddrPort(b)}, c)
}

// removing returns the state after the removal of server b was asked for.
func removing(t *testing.T, d spec.Desired, timeout spec.Duration) spec.Desired {
	t.Helper()
	after, err := d.With(d.RemoveServer(server(b), timeout, time.Now())...)
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// resting returns the state in which server b rests.
func resting(d spec.Desired) spec.Desired {
	d = d.Clone()
	d.Drains.Put(server(b), spec.Drain{Since: time.Now()})
	return d
}

func TestServerThatIsRemovedIsDrainedFirst(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 2, Inactive: 5})
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		d.sync()
		d.wants(service, first1, second0)
		status, _, _ := d.Status(t.Context())
		got := status["web"].RealServers[b]
		if got.Drain == nil || got.Drain.Kind != spec.DrainRemoval || !got.Drain.Deadline.Equal(time.Now().Add(30*time.Second)) || got.ConnectionsLeft != 2 {
			t.Errorf("status is %+v, drain %+v", got, got.Drain)
		}
		time.Sleep(10 * time.Second)
		d.wants(service, first1, second0)
		d.wantsEnded()
		d.connect(ipvs.Connections{Inactive: 7})
		time.Sleep(drainPoll)
		d.wants(service, first1)
		d.wantsEnded(b)
		if status, _, _ := d.Status(t.Context()); len(status["web"].RealServers) != 1 {
			t.Errorf("servers in status are %v, want one", status["web"].RealServers)
		}
		d.writes(0, func() { time.Sleep(time.Minute) })
		d.wantsEnded(b)
	})
}

// A request does the work itself, so what it begins has to be handed to the one who goes on with it.
func TestDrainThatARequestBeginsEndsWithTheConnections(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		time.Sleep(time.Millisecond) // Run has nothing left to do
		d.connect(ipvs.Connections{Active: 2})
		d.Want(removing(t, plain(a, 1, b, 1), patience), "web")
		if err := d.SyncServices(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		d.connect(ipvs.Connections{})
		time.Sleep(drainPoll + time.Millisecond)
		d.wants(service, first1)
		d.wantsEnded(b)
	})
}

func TestServerWithoutConnectionsIsRemovedBeforeTheAnswer(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		var seen []string
		d.table.Refuse(func(op ipvs.Op) error { seen = append(seen, op.String()); return nil })
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		d.sync()
		d.wantsEnded(b)
		// Weight 0 first, and then a look: somebody may have come meanwhile.
		want := []string{"ipvsadm -e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 0", "ipvsadm -d -t 192.0.2.100:80 -r 192.0.2.22:80"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
	})
}

func TestDrainEndsAtItsDeadline(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		time.Sleep(29900 * time.Millisecond)
		d.wants(service, first1, second0)
		time.Sleep(200 * time.Millisecond)
		d.wants(service, first1)
		d.wantsEnded(b)
	})
}

// The last packets of a connection may be under way when the kernel no longer counts it as active.
func TestServerRestsAMomentAfterItsLastConnection(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Inactive: 1})
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		d.sync()
		d.wants(service, first1, second0)
		time.Sleep(2 * drainSettle)
		d.wants(service, first1)
	})
}

func TestDrainOverUDPWaitsForAllConnections(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		udp := with(plain(a, 1, b, 1), func(v *spec.VirtualServer) { v.Protocol = spec.UDP })
		d.Set(udp)
		d.sync()
		key := ipvs.AddressKey(ipvs.UDP, netip.MustParseAddrPort("192.0.2.100:80"))
		d.connectTo(key, ipvs.Connections{Inactive: 3})
		d.Set(removing(t, udp, patience))
		time.Sleep(10 * time.Second)
		d.wantsEnded()
		d.connectTo(key, ipvs.Connections{})
		time.Sleep(drainPoll)
		d.wantsEnded(b)
	})
}

func TestServerThatWeight0DoesNotKeepClientsFromIsRemovedAtOnce(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		hashed := with(plain(a, 1, b, 1), func(v *spec.VirtualServer) { v.Scheduler = "dh" })
		d.Set(hashed)
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		d.writes(1, func() { d.Set(removing(t, hashed, patience)) })
		d.wantsEnded(b)
		d.Set(resting(hashed))
		d.wants("-A -t 192.0.2.100:80 -s dh", first1)
	})
}

func TestSchedulerThatHashesFallsBackWhileAServerRests(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		for _, scheduler := range []string{"sh", "mh"} {
			hashed := with(plain(a, 1, b, 1), func(v *spec.VirtualServer) { v.Scheduler = scheduler })
			strict, lent := "-A -t 192.0.2.100:80 -s "+scheduler, "-A -t 192.0.2.100:80 -s "+scheduler+" -b "+scheduler+"-fallback"
			d.Set(hashed)
			d.sync()
			d.connect(ipvs.Connections{Active: 1})
			d.Set(resting(hashed))
			d.wants(lent, first1, second0)
			d.Set(hashed)
			d.wants(strict, first1, second1)
			d.Set(removing(t, hashed, patience))
			d.wants(lent, first1, second0)
			d.connect(ipvs.Connections{})
			time.Sleep(drainPoll + drainSettle)
			d.wantsEnded(b)
			d.ended = nil
			d.wants(strict, first1)
		}
	})
}

func TestServerThatComesBackWhileItIsRemovedTakesConnectionsAtOnce(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(web(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		d.Set(removing(t, web(a, 1, b, 1), patience))
		time.Sleep(5 * time.Second)
		d.wants(service, first1, second0)
		d.health.set(b, Unknown) // nobody has checked it meanwhile
		d.Set(web(a, 1, b, 1))
		d.wants(service, first1, second1)
		time.Sleep(time.Minute)
		d.wants(service, first1, second1)
		d.wantsEnded()
	})
}

// What a check says of a server that leaves changes nothing any more.
func TestVerdictDuringADrainChangesNothing(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		removed := with(web(a, 1, b, 1), func(v *spec.VirtualServer) { v.OnFailure = spec.Remove })
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(removed)
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		d.Set(removing(t, removed, patience))
		d.sync()
		d.writes(0, func() {
			d.health.set(b, Down)
			d.Trigger()
			synctest.Wait()
			d.health.set(b, Up)
			d.Trigger()
		})
		d.wants(service, first1, second0)
	})
}

func TestDrainOutlivesTheAgentAndKeepsItsDeadline(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		leaving := removing(t, plain(a, 1, b, 1), patience)
		d.Set(leaving)
		d.sync()
		time.Sleep(20 * time.Second)
		d.restart(Repair)
		d.writes(0, func() { d.Set(leaving) })
		time.Sleep(9 * time.Second)
		d.wantsEnded()
		time.Sleep(2 * time.Second)
		d.wants(service, first1)
		d.wantsEnded(b)
	})
}

// on_stop = "release" takes the service away, and with it what a drain waits for. Maintenance is the operator's.
func TestReleaseEndsADrainAndNoMaintenance(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		both := plain(a, 1, b, 1)
		d.Set(both)
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		for what, desired := range map[string]spec.Desired{"a drain": removing(t, both, patience), "maintenance": resting(both)} {
			d.Set(desired)
			d.sync()
			d.wants(service, first1, second0)
			d.stop()
			if err := d.Release(t.Context()); err != nil {
				t.Errorf("release during %s: %v", what, err)
			}
			d.wants()
			d.wantsEnded()
			d.start(t, Repair)
			d.Set(desired)
			d.sync()
			if what == "maintenance" {
				d.wants(service, first1, second0)
				d.wantsEnded()
			} else {
				d.wants(service, first1)
				d.wantsEnded(b)
				d.ended = nil
			}
		}
	})
}

func TestDrainOfAnEarlierLifeTakesNoLongerForAClockThatJumpedBack(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		leaving := removing(t, plain(a, 1, b, 1), patience)
		drain, _ := leaving.Drains.Get(server(b))
		drain.Since = drain.Since.Add(time.Hour)
		leaving.Drains.Put(server(b), drain)
		d.Set(leaving)
		time.Sleep(31 * time.Second)
		d.wantsEnded(b)
	})
}

// After a reboot the kernel's table is empty: there is nothing that would have to drain.
func TestDeadlineIsByAClockThatDoesNotJump(t *testing.T) {
	t.Parallel()
	now := time.Now()
	d := spec.Drain{Server: &spec.RealServer{}, Since: now.Round(0).Add(-10 * time.Second), Timeout: spec.Duration(30 * time.Second)} // as it is read from disk
	got := deadline(d, now)
	if got.String() == got.Round(0).String() {
		t.Errorf("%v is wall time", got)
	}
	if left := got.Sub(now); left < 19*time.Second || left > 21*time.Second {
		t.Errorf("it is over in %s, want 20s", left)
	}
}

func TestServerThatIsNotInTheTableIsRemovedAtOnce(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		d.wants(service, first1)
		d.wantsEnded(b)
	})
}

func TestServiceThatGoesTakesItsDrainsAlong(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		leaving := removing(t, plain(a, 1, b, 1), patience)
		d.Set(leaving)
		d.sync()
		gone := leaving.Clone()
		clear(gone.VirtualServers)
		clear(gone.RealServers)
		d.Set(gone)
		d.wants()
		d.wantsEnded(b)
	})
}

func TestDrainGoesOnWhileDriftIsOnlyReported(t *testing.T) {
	onDirector(t, Report, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		d.wants(service, first1, second0)
		d.operator("192.0.2.100:80", b, 5) // it is left, and found out
		time.Sleep(31 * time.Second)
		d.wants(service, first1)
		d.wantsEnded(b)
	})
}

func TestDrainEndsOnlyWhenTheServerIsGone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.table.Refuse(func(op ipvs.Op) error {
			if strings.HasPrefix(op.String(), "ipvsadm -d") {
				return syscall.ENOMEM
			}
			return nil
		})
		d.Set(removing(t, plain(a, 1, b, 1), patience))
		if err := d.Sync(t.Context()); !errors.Is(err, syscall.ENOMEM) {
			t.Errorf("error is %v, want %v", err, syscall.ENOMEM)
		}
		d.wantsEnded()
		d.table.Refuse(nil)
		time.Sleep(10 * time.Second)
		d.wantsEnded(b)
	})
}

func TestMaintenanceTakesAServerOutOfTheQuorumUntilItIsUndone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		want := with(web(a, 1, b, 1), func(v *spec.VirtualServer) { v.Quorum.Weight = 2 })
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(want)
		d.sync()
		d.connect(ipvs.Connections{Active: 4})
		d.Set(resting(want))
		d.sync()
		d.wants(service, first1, second0)
		time.Sleep(24 * time.Hour)
		d.wants(service, first1, second0)
		if up, _ := d.Service("web"); up {
			t.Error("the service is up without its quorum")
		}
		status, _, drift := d.Status(t.Context())
		got := status["web"].RealServers[b]
		if got.Drain == nil || got.Drain.Kind != spec.DrainMaintenance || !got.Drain.Deadline.IsZero() || got.ConnectionsLeft != 4 || !got.Healthy {
			t.Errorf("status is %+v, drain %+v", got, got.Drain)
		}
		if len(drift) != 0 || status["web"].LiveWeight != 1 {
			t.Errorf("drift is %v and live weight %d, want none and 1", drift, status["web"].LiveWeight)
		}
		d.restart(Repair)
		d.writes(0, func() { d.Set(resting(want)) })
		d.Set(want)
		d.wants(service, first1, second1)
		d.wantsEnded()
	})
}

func TestSeveralDrainsEndEachByItself(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		want := plain(a, 1, b, 1)
		d.Set(want)
		d.sync()
		d.connect(ipvs.Connections{Active: 1})
		want = removing(t, want, patience)
		want, err := want.With(want.RemoveServer(server(a), patience, time.Now())...)
		if err != nil {
			t.Fatal(err)
		}
		d.Set(want)
		d.sync()
		d.wants(service, second0)
		d.wantsEnded(a)
		time.Sleep(31 * time.Second)
		d.wants(service)
		d.wantsEnded(slices.Concat([]string{a}, []string{b})...)
		if n := strings.Count(d.log.String(), "real server is removed"); n != 2 {
			t.Errorf("%d removals in the log, want 2:\n%s", n, d.log)
		}
	})
}
