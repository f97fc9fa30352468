package balance

import (
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestServiceIsUpWhileAServerTakesConnections(t *testing.T) {
	t.Parallel()
	checked := spec.VirtualServer{Address: netip.MustParseAddr("192.0.2.100"), Port: 80, Protocol: spec.TCP, HealthCheck: &spec.HealthCheck{}}
	unchecked := checked
	unchecked.HealthCheck = nil
	for name, test := range map[string]struct {
		service   spec.VirtualServer
		weights   []int
		verdicts  []Verdict
		up, known bool
	}{
		"no server":                      {checked, nil, nil, false, true},
		"one of two is up":               {checked, []int{1, 1}, []Verdict{Down, Up}, true, true},
		"all are down":                   {checked, []int{1, 1}, []Verdict{Down, Down}, false, true},
		"one is up, of one none knows":   {checked, []int{1, 1}, []Verdict{Up, Unknown}, true, true},
		"one is down, of one none says":  {checked, []int{1, 1}, []Verdict{Down, Unknown}, false, false},
		"nothing is known":               {checked, []int{1}, []Verdict{Unknown}, false, false},
		"the one that is up is quiesced": {checked, []int{0}, []Verdict{Up}, false, true},
		"nobody checks":                  {unchecked, []int{1}, []Verdict{Unknown}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			health := &verdicts{says: map[string]Verdict{}}
			d := spec.Desired{VirtualServers: map[string]spec.VirtualServer{"web": test.service}, RealServers: spec.Servers[spec.RealServer]{}}
			for i, weight := range test.weights {
				address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(21 + i)}), 80)
				d.RealServers.Put(spec.ServerKey{VirtualServer: "web", Address: address}, spec.RealServer{Weight: weight})
				health.says[address.String()] = test.verdicts[i]
			}
			b := New(Config{Kernel: ipvs.NewFake(), Health: health, Ledger: &ledger{}, Log: slog.New(slog.DiscardHandler)})
			if up, known := b.Service("web"); up || known {
				t.Errorf("before anything is wanted: up %t, known %t", up, known)
			}
			b.Set(d)
			if up, known := b.Service("web"); up != test.up || known != test.known {
				t.Errorf("up %t, known %t, want %t and %t", up, known, test.up, test.known)
			}
			if up, known := b.Service("mail"); up || known {
				t.Errorf("one that is not there: up %t, known %t", up, known)
			}
		})
	}
}

func TestServiceIsAsStrongAsItsScriptsSay(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(with(byScript(web(a, 1, b, 1)), func(v *spec.VirtualServer) { v.Quorum.Weight = 2 }))
		d.sync()
		for _, weight := range []int{1, 0, 3} {
			d.health.weigh(a, weight)
			d.sync()
			status, _, _ := d.Status(t.Context())
			if up, _ := d.Service("web"); up != (status["web"].State == spec.ServiceUp) || up != (weight > 0) {
				t.Errorf("with weight %d it is up: %t, and by its status %s", weight, up, status["web"].State)
			}
		}
	})
}

func TestAwaitedAreServicesOnTheAddressesWithoutVerdict(t *testing.T) {
	t.Parallel()
	health := &verdicts{says: map[string]Verdict{}}
	b := New(Config{Kernel: ipvs.NewFake(), Health: health, Ledger: &ledger{}, Log: slog.New(slog.DiscardHandler)})
	ours, other := netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.101")
	expect := func(when string, address netip.Addr, want bool, names ...string) {
		t.Helper()
		if got, awaited := b.Awaited([]netip.Addr{address}); awaited != want || !slices.Equal(got, names) {
			t.Errorf("%s: on %s %q are awaited: %t", when, address, got, awaited)
		}
	}
	expect("before anything is desired", ours, true)
	b.Set(spec.Desired{})
	expect("without services", ours, false)
	server := netip.MustParseAddrPort("192.0.2.21:80")
	b.Set(spec.Desired{
		VirtualServers: map[string]spec.VirtualServer{
			"web":  {Address: ours, Port: 80, Protocol: spec.TCP, HealthCheck: &spec.HealthCheck{}},
			"mail": {Address: ours, Port: 25, Protocol: spec.TCP, HealthCheck: &spec.HealthCheck{}},
		},
		RealServers: spec.Servers[spec.RealServer]{"web": {server: {Weight: 1}}, "mail": {server: {Weight: 1}}},
	})
	expect("without verdict", ours, true, "mail", "web")
	expect("without verdict on another", other, false)
	for _, verdict := range []Verdict{Up, Down} {
		health.mu.Lock()
		health.says[server.String()] = verdict
		health.mu.Unlock()
		expect("with a verdict", ours, false)
	}
}
