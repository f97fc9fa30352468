package balance

import (
	"net/netip"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func initially(state spec.InitialState) func(*spec.VirtualServer) {
	return func(v *spec.VirtualServer) { v.InitialState = state }
}

func TestSuspicionChangesNoServerThatWasIn(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.table.Edit(func(table ipvs.Table) {
			table[tcp("192.0.2.100:80")] = ipvs.Service{
				Options: ipvs.Options{Scheduler: "wrr"},
				Destinations: map[netip.AddrPort]ipvs.Destination{
					netip.MustParseAddrPort(a): {Forwarding: ipvs.DirectRouting, Weight: 1},
				},
			}
		})
		d.health.set(a, Suspect)
		d.health.set(b, Suspect)
		d.writes(0, func() { d.Set(web(a, 1, b, 1)) })
		d.health.set(a, Down)
		d.Trigger()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0")
	})
}

func TestServerWhoseInitialStateIsUpIsInUntilItFails(t *testing.T) {
	const service, first, second = "-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1"
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.Set(with(web(a, 1), initially(spec.InitialUp)))
		d.wants(service, first)
		d.health.set(a, Suspect)
		d.Trigger()
		d.wants(service, first)
		d.Set(with(web(a, 1, b, 1), initially(spec.InitialUp))) // one that comes later
		d.wants(service, first, second)
		d.health.set(a, Down)
		d.Trigger()
		d.wants(service, "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0", second)

		// A restart brings nobody in who was out before.
		down := with(web(a, 1, b, 1), func(v *spec.VirtualServer) { v.InitialState, v.OnFailure = spec.InitialUp, spec.Remove })
		d.Set(down)
		d.wants(service, second)
		d.health.set(a, Unknown)
		d.restart(Repair)
		d.Set(down)
		d.wants(service, second)
	})
}

func TestServerSaysForItselfWhatBecomesOfIt(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		want := web(a, 1, b, 1)
		want.RealServers.Put(server(a), spec.RealServer{Weight: 1, InitialState: spec.InitialUp, OnFailure: spec.Remove})
		d.Set(want)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1")
		d.health.set(b, Up)
		d.sync()
		d.health.set(a, Down)
		d.health.set(b, Down)
		d.Trigger()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 0")
	})
}

// A server with a check of its own is checked though its service has none.
func TestServersOwnCheckCountsWhereTheServiceHasNone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		want := plain(a, 1, b, 1)
		want.RealServers.Put(server(b), spec.RealServer{Weight: 1, HealthCheck: &spec.HealthCheck{TCP: &spec.TCPCheck{}}})
		d.Set(want)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1")
		d.sync()
		if status, _, _ := d.Status(t.Context()); status["web"].RealServers[b].Healthy {
			t.Error("the server without a verdict is healthy in status")
		}
	})
}

// A backup that does not check takes over with a full table, except for what it knows to be down.
func TestServerThatNobodyChecksCountsAsUpUnlessItIsKnownToBeDown(t *testing.T) {
	const service, first, second = "-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1"
	onDirector(t, Repair, func(t *testing.T, d *director) {
		removing := with(web(a, 1, b, 1), func(v *spec.VirtualServer) { v.OnFailure = spec.Remove })
		d.health.set(a, Assumed)
		d.health.set(b, Assumed)
		d.Set(removing)
		d.wants(service, first, second)
		if up, known := d.Service("web"); !up || !known {
			t.Errorf("the service: up %t, known %t", up, known)
		}
		d.health.set(a, Down)
		d.Trigger()
		d.wants(service, second)

		d.health.set(a, Assumed)
		d.restart(Repair) // it was taken out by the process before, for a reason
		d.Set(removing)
		d.wants(service, second)
		d.health.set(a, Up)
		d.Trigger()
		d.wants(service, first, second)
	})
}
