package balance

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// sorry gives a service a sorry server and a quorum.
func sorry(weight, hysteresis int) func(*spec.VirtualServer) {
	return func(v *spec.VirtualServer) {
		v.Quorum = spec.Quorum{Weight: weight, Hysteresis: hysteresis}
		v.SorryServer = &spec.SorryServer{Address: netip.MustParseAddr("192.0.2.99"), Port: 80}
	}
}

func TestQuorumHasTwoThresholds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		quorum spec.Quorum
		// lives is the weight that is up, step by step; want what the service is then, "+", "-" or "?".
		lives []int
		open  int
		want  string
	}{
		"one server is enough":                     {spec.Quorum{Weight: 1}, []int{1, 0, 5, 0}, 0, "+-+-"},
		"up at the quorum, down below it":          {spec.Quorum{Weight: 3}, []int{2, 3, 2, 3}, 0, "-+-+"},
		"up above by the hysteresis":               {spec.Quorum{Weight: 3, Hysteresis: 1}, []int{3, 4, 3, 2, 1, 2, 3, 4}, 0, "-+++---+"},
		"down when nobody is left":                 {spec.Quorum{Weight: 2, Hysteresis: 1}, []int{3, 1, 0, 1, 2, 3}, 0, "++---+"},
		"as much hysteresis as there can be":       {spec.Quorum{Weight: 5, Hysteresis: 4}, []int{8, 9, 1, 0, 8}, 0, "-++--"},
		"undecided while verdicts could change it": {spec.Quorum{Weight: 3}, []int{2, 0, 2, 3}, 1, "?--+"},
		"stays what it was while undecided":        {spec.Quorum{Weight: 3}, []int{3, 2, 1, 2}, 1, "++--"},
		"a quorum that nobody set is one":          {spec.Quorum{}, []int{0, 1, 0}, 0, "-+-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, is := "", Unknown
			for _, live := range test.lives {
				is = strength{live: live, open: test.open}.verdict(test.quorum, is)
				got += map[Verdict]string{Up: "+", Down: "-", Unknown: "?"}[is]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("with %+v live weights of %v (-want +got):\n%s", test.quorum, test.lives, diff)
			}
		})
	}
}

func TestSorryServerTakesThePlaceOfAllWhileTheQuorumIsLost(t *testing.T) {
	const service, rsA, rsB, apology = "-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w %d",
		"-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w %d", "-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1"
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(with(web(a, 2, b, 2), sorry(3, 1)))
		d.wants(service) // nobody knows yet
		d.health.set(a, Up)
		d.Trigger()
		d.wants(service, fmt.Sprintf(rsA, 2)) // it takes b to tell
		d.health.set(b, Up)
		d.Trigger()
		d.wants(service, fmt.Sprintf(rsA, 2), fmt.Sprintf(rsB, 2))
		d.health.set(b, Down)
		d.Trigger()
		d.wants(service, fmt.Sprintf(rsA, 2), fmt.Sprintf(rsB, 0)) // 2 is not below 3-1
		d.Set(with(web(a, 1, b, 2), sorry(3, 1)))
		d.wants(service, fmt.Sprintf(rsA, 0), fmt.Sprintf(rsB, 0), apology)
		d.sync()
		status, _, _ := d.Status(t.Context())
		if diff := cmp.Diff(spec.VirtualServerState{State: spec.ServiceDown, LiveWeight: 1, SorryServer: true}, status["web"].VirtualServerState); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if up, known := d.Service("web"); up || !known {
			t.Errorf("to those who track it: up %t, known %t, want down and known", up, known)
		}
		d.health.set(b, Up)
		d.Trigger()
		d.wants(service, fmt.Sprintf(rsA, 0), fmt.Sprintf(rsB, 0), apology) // 3 is not 3+1 yet
		d.Set(with(web(a, 2, b, 2), sorry(3, 1)))
		d.wants(service, fmt.Sprintf(rsA, 2), fmt.Sprintf(rsB, 2))
	})
}

func TestWithoutSorryServerLostQuorumChangesNoServer(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.health.set(b, Down)
		d.Set(with(web(a, 1, b, 1), func(v *spec.VirtualServer) { v.Quorum.Weight = 2 }))
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1")
		if up, known := d.Service("web"); up || !known {
			t.Errorf("to those who track it: up %t, known %t, want down and known", up, known)
		}
	})
}

func TestSorryServerHasAForwardingMethodOfItsOwn(t *testing.T) {
	t.Parallel()
	want := with(web(a, 1), sorry(1, 0))
	v := want.VirtualServers["web"]
	v.Scheduler = "sh"
	v.SorryServer.Port, v.SorryServer.ForwardingMethod = 8080, spec.NAT
	want.VirtualServers["web"] = v
	got := Compute(want, memories{
		servers:  map[string]map[netip.AddrPort]memory{"web": {netip.MustParseAddrPort(a): {last: Up, joined: true}}},
		services: map[string]Verdict{"web": Down},
	})
	// Weight 0 does not keep clients away from a server of sh, so it leaves.
	if diff := cmp.Diff("-A -t 192.0.2.100:80 -s sh\n-a -t 192.0.2.100:80 -r 192.0.2.99:8080 -m -w 1\n", got.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestServiceIsWhatTheTableSaysUntilVerdictsTell(t *testing.T) {
	t.Parallel()
	v := with(web(), sorry(1, 0)).VirtualServers["web"]
	serving := ipvs.Service{Destinations: map[netip.AddrPort]ipvs.Destination{netip.MustParseAddrPort(a): {Weight: 1}}}
	quiesced := ipvs.Service{Destinations: map[netip.AddrPort]ipvs.Destination{netip.MustParseAddrPort(a): {}}}
	apologising := ipvs.Service{Destinations: map[netip.AddrPort]ipvs.Destination{v.SorryServer.AddrPort(): {Weight: 1}}}
	for name, test := range map[string]struct {
		actual ipvs.Service
		want   Verdict
	}{"serving": {serving, Up}, "quiesced": {quiesced, Unknown}, "sorry": {apologising, Down}, "absent": {ipvs.Service{}, Unknown}} {
		if got := impliedService(v, test.actual); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
