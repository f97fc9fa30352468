package balance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// director is a Balancer with everything around it in memory, and its Run under way.
type director struct {
	*Balancer
	t      *testing.T
	table  *ipvs.Fake
	health *verdicts
	ledger *ledger
	log    *bytes.Buffer
	events *event.Log
	stop   func()

	mu    sync.Mutex
	ended []string // the servers whose drains have ended
}

// onDirector runs a test with a director in a bubble of its own time.
func onDirector(t *testing.T, policy DriftPolicy, test func(*testing.T, *director)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &director{table: ipvs.NewFake(), health: &verdicts{says: map[string]Verdict{}}, ledger: &ledger{}}
		d.start(t, policy)
		defer func() { d.stop() }()
		test(t, d)
	})
}

// start starts a balancer on the director's table.
func (d *director) start(t *testing.T, policy DriftPolicy) {
	d.t, d.log, d.events = t, &bytes.Buffer{}, event.New(event.Capacity, 0)
	balancer := New(Config{
		Kernel: d.table, Health: d.health, Weights: d.health.weight, Ledger: d.ledger, Drains: d, DriftPolicy: policy,
		Log: slog.New(slog.NewTextHandler(d.log, nil)), Publish: d.events.Publish,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- balancer.Run(ctx) }()
	d.Balancer = balancer
	d.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	}
}

// restart is what happens to an agent that is killed and started again.
func (d *director) restart(policy DriftPolicy) {
	d.stop()
	d.start(d.t, policy)
}

// wants checks the table once everything has settled.
func (d *director) wants(lines ...string) {
	d.t.Helper()
	synctest.Wait()
	got := slices.Collect(strings.Lines(d.table.String()))
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		d.t.Errorf("table (-want +got):\n%s", diff)
	}
}

// writes checks how many writes a step takes.
func (d *director) writes(want int, step func()) {
	d.t.Helper()
	synctest.Wait()
	before := d.table.Writes()
	step()
	synctest.Wait()
	if got := d.table.Writes() - before; got != want {
		d.t.Errorf("%d writes, want %d", got, want)
	}
}

func (d *director) sync() {
	d.t.Helper()
	if err := d.Sync(d.t.Context()); err != nil {
		d.t.Error(err)
	}
}

// drift returns the drift in status as field=actual, want want.
func (d *director) drift() []string {
	_, _, drift := d.Status(d.t.Context())
	lines := make([]string, len(drift))
	for i, v := range drift {
		lines[i] = strings.TrimSpace(fmt.Sprintf("%s %s %s=%s, want %s", v.Name, v.Server, v.Field, v.Actual, v.Want))
	}
	return lines
}

// operator changes a weight behind the agent's back.
func (d *director) operator(service, server string, weight uint32) {
	d.table.Edit(func(t ipvs.Table) {
		key, address := tcp(service), netip.MustParseAddrPort(server)
		destination := t[key].Destinations[address]
		destination.Weight = weight
		t[key].Destinations[address] = destination
	})
}

func tcp(address string) ipvs.ServiceKey {
	return ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort(address))
}

// verdicts is a Health by server address.
type verdicts struct {
	mu   sync.Mutex
	says map[string]Verdict
	// weights are those that check scripts give.
	weights map[string]int
}

func (v *verdicts) weight(key spec.ServerKey) (int, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	weight, ok := v.weights[key.Address.String()]
	return weight, ok
}

// weigh has a check script give a server a weight.
func (v *verdicts) weigh(server string, weight int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.weights == nil {
		v.weights = map[string]int{}
	}
	v.weights[server] = weight
}

func (v *verdicts) Server(key spec.ServerKey) (Verdict, string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	verdict := v.says[key.Address.String()]
	return verdict, map[Verdict]string{Down: "connection refused"}[verdict]
}

func (v *verdicts) set(server string, says Verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.says[server] = says
}

// ledger is a Ledger that keeps its entries as they would stand on disk.
type ledger struct {
	mu     sync.Mutex
	disk   []string
	broken error
}

func (l *ledger) Entries() ([]ipvs.ServiceKey, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]ipvs.ServiceKey, len(l.disk))
	for i, line := range l.disk {
		if err := json.Unmarshal([]byte(line), &keys[i]); err != nil {
			return nil, err
		}
	}
	return keys, l.broken
}

func (l *ledger) Record(keys ...ipvs.ServiceKey) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		line, err := json.Marshal(key)
		if err != nil {
			return err
		}
		l.disk = append(l.disk, string(line))
	}
	return l.broken
}

func (l *ledger) Forget(keys ...ipvs.ServiceKey) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		l.disk = slices.DeleteFunc(l.disk, func(line string) bool { return line == `"`+key.String()+`"` })
	}
	return l.broken
}

const (
	a = "192.0.2.21:80"
	b = "192.0.2.22:80"
)

// web is a service that has health checks, with servers in pairs of address and weight.
func web(servers ...any) spec.Desired {
	check := spec.DefaultHealthCheck()
	check.TCP = &spec.TCPCheck{}
	return desired(spec.VirtualServer{
		Address: netip.MustParseAddr("192.0.2.100"), Port: 80, Protocol: spec.TCP, Scheduler: "wrr",
		ForwardingMethod: spec.DirectRouting, HealthCheck: &check,
	}, servers...)
}

// plain is the same without health checks.
func plain(servers ...any) spec.Desired {
	return with(web(servers...), func(v *spec.VirtualServer) { v.HealthCheck = nil })
}

func desired(v spec.VirtualServer, servers ...any) spec.Desired {
	d := spec.Desired{
		VirtualServers: map[string]spec.VirtualServer{"web": v},
		RealServers:    spec.Servers[spec.RealServer]{},
	}
	for i := 0; i < len(servers); i += 2 {
		d.RealServers.Put(server(servers[i].(string)), spec.RealServer{Weight: servers[i+1].(int)})
	}
	return d
}

func server(address string) spec.ServerKey {
	return spec.ServerKey{VirtualServer: "web", Address: netip.MustParseAddrPort(address)}
}

// with returns d with its service changed.
func with(d spec.Desired, change func(*spec.VirtualServer)) spec.Desired {
	d = d.Clone()
	v := d.VirtualServers["web"]
	change(&v)
	d.VirtualServers["web"] = v
	return d
}

func TestServerJoinsAfterItsFirstPassAndIsQuiescedWhenItFails(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.Set(web(a, 3, b, 1))
		d.wants("-A -t 192.0.2.100:80 -s wrr")
		for _, step := range []struct {
			says Verdict
			want []string
		}{
			{Down, []string{"-A -t 192.0.2.100:80 -s wrr"}}, // never was in: does not join to be down
			{Up, []string{"-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3"}},
			{Down, []string{"-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0"}},
			{Up, []string{"-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3"}},
		} {
			d.health.set(a, step.says)
			d.Trigger()
			d.wants(step.want...)
		}
	})
}

func TestSameStateAgainWritesNothing(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.writes(0, func() {
			for range 3 {
				d.Set(plain(a, 1, b, 1))
				d.sync()
				d.Trigger()
			}
			time.Sleep(10 * DefaultResyncInterval)
		})
		if got := d.Metrics(); got.Writes != 3 || got.Failures != 0 {
			t.Errorf("metrics are %+v, want 3 writes", got)
		}
	})
}

func TestOneChangeIsOneWrite(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.writes(1, func() { d.Set(plain(a, 1, b, 5)) })
		d.writes(1, func() { d.Set(plain(b, 5)) })
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 5")
	})
}

// Nothing is lost between two lives of an agent, and nothing is written.
func TestRestartWritesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		desired spec.Desired
		verdict Verdict // of server b; a is up
	}{
		"up":                          {web(a, 1, b, 2), Up},
		"one is down":                 {web(a, 1, b, 2), Down},
		"one is at rest":              {web(a, 1, b, 0), Up},
		"one is at rest and down":     {web(a, 1, b, 0), Down},
		"one never was up":            {web(a, 1, b, 2), Unknown},
		"one is down and taken out":   {with(web(a, 1, b, 2), func(v *spec.VirtualServer) { v.Scheduler = "sh" }), Down},
		"one at rest, down takes out": {with(web(a, 1, b, 0), func(v *spec.VirtualServer) { v.Scheduler = "sh" }), Up},
		"no checks":                   {plain(a, 1, b, 2), Unknown},
		"quorum is lost":              {with(web(a, 1, b, 2), sorry(3, 0)), Down},
		"between the thresholds":      {with(web(a, 2, b, 2), sorry(3, 1)), Down},
	} {
		t.Run(name, func(t *testing.T) {
			onDirector(t, Repair, func(t *testing.T, d *director) {
				d.health.set(a, Up)
				if test.verdict != Unknown {
					d.health.set(b, Up)
				}
				d.Set(test.desired)
				d.sync()
				d.health.set(b, test.verdict)
				d.sync()
				before := d.table.String()

				d.writes(0, func() {
					d.health.set(a, Unknown)
					d.health.set(b, Unknown)
					d.restart(Repair)
					time.Sleep(time.Minute) // before it knows what it wants
					d.Set(test.desired)
					d.sync()
					time.Sleep(time.Minute)
					d.health.set(a, Up)
					d.health.set(b, test.verdict)
					d.Trigger()
				})
				if diff := cmp.Diff(before, d.table.String()); diff != "" {
					t.Errorf("table (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func TestVerdictIsKeptUntilANewCheckHasEnded(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.health.set(a, Up)
		d.Set(web(a, 1))
		d.sync()
		d.writes(0, func() {
			d.health.set(a, Unknown)
			d.Trigger()
		})
	})
}

func TestForeignServicesAreNeverTouched(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Edit(func(table ipvs.Table) {
			table[tcp("192.0.2.200:80")] = ipvs.Service{Options: ipvs.Options{Scheduler: "lc"}, Destinations: map[netip.AddrPort]ipvs.Destination{}}
			table[ipvs.MarkKey(5, ipvs.IPv6)] = ipvs.Service{Options: ipvs.Options{Scheduler: "lc"}}
		})
		d.Set(plain(a, 1))
		d.sync()
		d.Set(spec.Desired{})
		d.sync()
		if err := d.Release(t.Context()); err != nil {
			t.Error(err)
		}
		d.wants("-A -f 5 -6 -s lc", "-A -t 192.0.2.200:80 -s lc")
		if drift := d.drift(); len(drift) != 0 {
			t.Errorf("drift is %q, want none", drift)
		}
		time.Sleep(2 * viewAge)
		_, status, _ := d.Status(t.Context())
		if diff := cmp.Diff([]string{"fwmark/5/ipv6", "tcp/192.0.2.200:80"}, status.ForeignServices); diff != "" {
			t.Errorf("foreign services in status (-want +got):\n%s", diff)
		}
	})
}

func TestServiceThatIsThereIsAdoptedInPlace(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Edit(func(table ipvs.Table) {
			table[tcp("192.0.2.100:80")] = ipvs.Service{
				Options: ipvs.Options{Scheduler: "lc", Persistence: ipvs.Persistence{Timeout: 60, PrefixLength: 32}},
				Destinations: map[netip.AddrPort]ipvs.Destination{
					netip.MustParseAddrPort(a):               {Forwarding: ipvs.DirectRouting, Weight: 1},
					netip.MustParseAddrPort("192.0.2.99:80"): {Forwarding: ipvs.NAT, Weight: 1},
				},
			}
		})
		var seen []string
		d.table.Refuse(func(op ipvs.Op) error { seen = append(seen, op.String()); return nil })
		d.Set(web(a, 1, b, 1)) // no verdict yet: a stays in
		d.sync()
		want := []string{"ipvsadm -E -t 192.0.2.100:80 -s wrr", "ipvsadm -d -t 192.0.2.100:80 -r 192.0.2.99:80"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
	})
}

// What somebody else set up goes on while Terraform asks for the service, and then for its servers.
func TestServersOfAnAdoptedServiceStayUntilTheyAreAskedFor(t *testing.T) {
	for _, policy := range []DriftPolicy{Repair, Report} {
		t.Run(string(policy), func(t *testing.T) {
			onDirector(t, policy, func(t *testing.T, d *director) {
				d.Set(spec.Desired{})
				d.sync() // an agent that has run for a while
				five := ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 5}
				d.table.Edit(func(table ipvs.Table) {
					table[tcp("192.0.2.100:80")] = ipvs.Service{
						Options:      ipvs.Options{Scheduler: "lc"},
						Destinations: map[netip.AddrPort]ipvs.Destination{netip.MustParseAddrPort(a): five, netip.MustParseAddrPort("192.0.2.99:80"): five},
					}
				})
				adopt := func(d spec.Desired) spec.Desired {
					return with(d, func(v *spec.VirtualServer) {
						v.DrainTimeout, v.SorryServer = spec.DefaultDrainTimeout, &spec.SorryServer{Address: netip.MustParseAddr("192.0.2.98"), Port: 80}
					})
				}
				const service, kept = "-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 5"
				d.Set(adopt(web()))
				d.syncServices("web")
				d.wants(service, "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5", kept)
				time.Sleep(10 * time.Second)
				d.Set(adopt(web(a, 1, b, 1)))
				d.syncServices("web")
				d.wants(service, first1, kept) // b is not in before it passes
				if drift := d.drift(); len(drift) != 0 {
					t.Errorf("drift is %q, want none", drift)
				}
				d.health.set(a, Up)
				time.Sleep(spec.DefaultDrainTimeout.Std() + DefaultResyncInterval)
				d.wants(service, first1)

				d.Set(spec.Desired{}) // and the same again, given up while it is taken over
				d.sync()
				for range 2 {
					d.table.Edit(func(table ipvs.Table) {
						table[tcp("192.0.2.100:80")] = ipvs.Service{
							Options: ipvs.Options{Scheduler: "lc"}, Destinations: map[netip.AddrPort]ipvs.Destination{netip.MustParseAddrPort(a): five},
						}
					})
					d.Set(adopt(web()))
					d.sync()
					d.wants(service, "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5")
					d.Set(spec.Desired{})
					d.sync()
					d.wants()
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

func TestServiceThatMovesIsThereBeforeItIsGone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1))
		d.sync()
		var seen []string
		d.table.Refuse(func(op ipvs.Op) error { seen = append(seen, op.String()); return nil })
		d.Set(with(plain(a, 1), func(v *spec.VirtualServer) { v.Protocol = spec.UDP }))
		d.sync()
		want := []string{
			"ipvsadm -A -u 192.0.2.100:80 -s wrr", "ipvsadm -a -u 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
			"ipvsadm -D -t 192.0.2.100:80",
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{`"udp/192.0.2.100:80"`}, d.ledger.disk); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
	})
}

func TestServiceIsRecordedBeforeItIsMade(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Refuse(func(ipvs.Op) error {
			if diff := cmp.Diff([]string{`"tcp/192.0.2.100:80"`}, d.ledger.disk); diff != "" {
				t.Errorf("ledger at the first write (-want +got):\n%s", diff)
			}
			return nil
		})
		d.Set(plain(a, 1))
		d.sync()
	})
}

func TestServiceThatCannotBeRecordedIsNotMade(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.ledger.broken = syscall.ENOSPC
		d.Set(plain(a, 1))
		if err := d.Sync(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("error is %v, want %v", err, syscall.ENOSPC)
		}
		d.wants()
	})
}

// What an earlier life made, and was told to delete while the agent was down.
func TestServiceOfAnEarlierLifeIsRemoved(t *testing.T) {
	for _, policy := range []DriftPolicy{Repair, Report} {
		t.Run(string(policy), func(t *testing.T) {
			onDirector(t, policy, func(t *testing.T, d *director) {
				d.Set(plain(a, 1))
				d.sync()
				d.restart(policy)
				d.Set(spec.Desired{})
				d.wants()
				if len(d.ledger.disk) != 0 {
					t.Errorf("ledger is %q, want nothing", d.ledger.disk)
				}
			})
		})
	}
}

func TestServiceIsOursUntilItIsGone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1))
		d.sync()
		d.table.Refuse(func(ipvs.Op) error { return syscall.ENOMEM })
		d.Set(spec.Desired{})
		if err := d.Sync(t.Context()); !errors.Is(err, syscall.ENOMEM) {
			t.Errorf("error is %v, want %v", err, syscall.ENOMEM)
		}
		d.table.Refuse(nil)
		d.restart(Repair)
		d.Set(spec.Desired{})
		d.wants()
	})
}

func TestFailureIsTriedAgainBeforeTheNextResync(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Refuse(func(ipvs.Op) error { return syscall.ENOMEM })
		d.Set(plain(a, 1))
		if err := d.Sync(t.Context()); !errors.Is(err, syscall.ENOMEM) {
			t.Errorf("error is %v, want %v", err, syscall.ENOMEM)
		}
		synctest.Wait()
		d.table.Refuse(nil)
		time.Sleep(2 * firstRetry)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1")
	})
}

func TestReleaseRemovesOurServices(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1))
		d.sync()
		if err := d.Release(t.Context()); err != nil {
			t.Error(err)
		}
		d.wants()
		if len(d.ledger.disk) != 0 {
			t.Errorf("ledger is %q, want nothing", d.ledger.disk)
		}
	})
}

func TestDriftIsRepairedWithinAResyncAndCounted(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1, b, 1))
		d.sync()
		d.operator("192.0.2.100:80", b, 9)
		d.writes(1, func() { time.Sleep(DefaultResyncInterval) })
		d.wants("-A -t 192.0.2.100:80 -s wrr",
			"-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1")
		if diff := cmp.Diff(map[string]uint64{"weight": 1}, d.Metrics().Drift); diff != "" {
			t.Errorf("drift counted (-want +got):\n%s", diff)
		}
		const line = `service=web server=192.0.2.22:80 field=weight actual=9 want=1 drift_policy=repair`
		if n := strings.Count(d.log.String(), line); n != 1 {
			t.Errorf("%q is logged %d times, want once:\n%s", line, n, d.log)
		}
	})
}

func TestWhatWeChangeIsNoDrift(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.Set(web(a, 1))
		d.sync()
		d.health.set(a, Down)
		time.Sleep(DefaultResyncInterval) // a verdict that nobody told of
		d.Set(with(web(a, 7), func(v *spec.VirtualServer) { v.Scheduler = "rr" }))
		d.sync()
		d.table.Refuse(func(ipvs.Op) error { return syscall.EINVAL })
		d.Set(web(a, 3, b, 1))
		time.Sleep(time.Hour)
		d.table.Refuse(nil)
		time.Sleep(time.Hour)
		if got := d.Metrics().Drift; len(got) != 0 {
			t.Errorf("drift counted is %v, want none", got)
		}
	})
}

func TestReportedDriftIsLeftWhileEverythingElseGoesOn(t *testing.T) {
	onDirector(t, Report, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(web(a, 1, b, 1))
		d.sync()
		d.operator("192.0.2.100:80", b, 9)
		d.writes(0, func() { time.Sleep(10 * DefaultResyncInterval) })
		if diff := cmp.Diff([]string{"web 192.0.2.22:80 weight=9, want 1"}, d.drift()); diff != "" {
			t.Errorf("drift (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]uint64{"weight": 1}, d.Metrics().Drift); diff != "" {
			t.Errorf("drift counted (-want +got):\n%s", diff)
		}

		d.health.set(a, Down)
		d.writes(1, func() { d.Trigger("web") })
		d.wants("-A -t 192.0.2.100:80 -s wrr",
			"-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 9")

		d.writes(1, d.sync) // a PUT of the same
		if drift := d.drift(); len(drift) != 0 {
			t.Errorf("drift is %q, want none", drift)
		}
	})
}

// A change that failed is tried again, also where nothing else is written.
func TestFailedWriteIsRepeatedUnderReport(t *testing.T) {
	onDirector(t, Report, func(t *testing.T, d *director) {
		d.Set(plain(a, 1))
		d.sync()
		d.table.Refuse(func(ipvs.Op) error { return syscall.ENOMEM })
		d.Set(plain(a, 2))
		if err := d.Sync(t.Context()); !errors.Is(err, syscall.ENOMEM) {
			t.Errorf("error is %v, want %v", err, syscall.ENOMEM)
		}
		d.table.Refuse(nil)
		time.Sleep(DefaultResyncInterval)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 2")
	})
}

func TestKernelThatFailsIsLoggedOnceAndTriedAgain(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Break(ipvs.ErrUnavailable)
		d.Set(plain(a, 1))
		if err := d.Sync(t.Context()); !errors.Is(err, ipvs.ErrUnavailable) {
			t.Errorf("error is %v, want %v", err, ipvs.ErrUnavailable)
		}
		time.Sleep(time.Hour)
		if n := strings.Count(d.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors in the log, want 1:\n%s", n, d.log)
		}
		_, status, _ := d.Status(t.Context())
		if want := (spec.IPVSStatus{Reason: "this kernel has no IPVS: load its module (modprobe ip_vs)"}); !cmp.Equal(want, status) {
			t.Errorf("status is %+v, want %+v", status, want)
		}
		if errs := d.Check(t.Context(), spec.VirtualServer{}); len(errs) != 1 || !strings.Contains(errs.Error(), "modprobe ip_vs") {
			t.Errorf("check says %v, want one error that names the module", errs)
		}

		d.table.Break(nil) // somebody loads the module
		time.Sleep(DefaultResyncInterval)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1")
		_, status, _ = d.Status(t.Context())
		if want := (spec.IPVSStatus{Available: true, Version: "memory"}); !cmp.Equal(want, status) {
			t.Errorf("status is %+v, want %+v", status, want)
		}
		if errs := d.Check(t.Context(), spec.VirtualServer{}); errs != nil {
			t.Errorf("check says %v, want nothing", errs)
		}
	})
}

// A director that only runs VRRP needs no IPVS.
func TestKernelWithoutIPVSIsNoErrorWhileNothingIsBalanced(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Break(ipvs.ErrUnavailable)
		d.Set(spec.Desired{})
		d.sync()
		time.Sleep(time.Hour)
		if d.log.Len() != 0 {
			t.Errorf("log is not empty:\n%s", d.log)
		}
	})
}

func TestOneServiceThatFailsStopsNoOther(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		want := plain(a, 1)
		bad := want.VirtualServers["web"]
		bad.Port, bad.Scheduler = 79, "twos"
		want.VirtualServers["bad"] = bad
		d.table.Refuse(func(op ipvs.Op) error {
			if op.Options.Scheduler == "twos" {
				return syscall.ENOENT
			}
			return nil
		})
		d.Set(want)
		err := d.Sync(t.Context())
		if failure, ok := errors.AsType[*ipvs.Error](err); !ok || failure.Op.Service != tcp("192.0.2.100:79") {
			t.Errorf("error is %v, want an *ipvs.Error of the bad service", err)
		}
		status, _, _ := d.Status(t.Context())
		if bad, web := status["bad"], status["web"]; bad.State != spec.ServiceDegraded || bad.Reason == "" || web.State != spec.ServiceUp || web.Reason != "" {
			t.Errorf("the bad one is %+v, the other %+v", bad.VirtualServerState, web.VirtualServerState)
		}
		d.table.Refuse(nil)
		time.Sleep(10 * time.Second)
		if status, _, _ := d.Status(t.Context()); status["bad"].State == spec.ServiceDegraded {
			t.Error("it is still degraded after it could be applied")
		}
		delete(want.VirtualServers, "bad")
		d.Set(want)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1")
	})
}

func TestStatusSaysHowServersAre(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(web(a, 3, b, 1))
		d.sync()
		d.health.set(b, Down)
		d.sync()
		d.table.Connect(ipvs.DestinationKey{Service: tcp("192.0.2.100:80"), Address: netip.MustParseAddrPort(a)}, ipvs.Connections{Active: 5, Inactive: 7, Persistent: 2})
		d.table.Carry(ipvs.DestinationKey{Service: tcp("192.0.2.100:80"), Address: netip.MustParseAddrPort(a)}, ipvs.Traffic{
			Total: ipvs.Counts{Connections: 1 << 40, IncomingPackets: 2, OutgoingPackets: 3, IncomingBytes: 4, OutgoingBytes: 5}, PerSecond: ipvs.Counts{Connections: 6},
		})
		time.Sleep(2 * viewAge)
		got, _, _ := d.Status(t.Context())
		carried := spec.Traffic{
			Total:     spec.TrafficCounts{Connections: 1 << 40, IncomingPackets: 2, OutgoingPackets: 3, IncomingBytes: 4, OutgoingBytes: 5},
			PerSecond: spec.TrafficCounts{Connections: 6},
		}
		want := map[string]spec.VirtualServerStatus{"web": {
			VirtualServerState: spec.VirtualServerState{State: spec.ServiceUp, LiveWeight: 3},
			Identity:           spec.Identity{Address: netip.MustParseAddr("192.0.2.100"), Port: 80, Protocol: spec.TCP},
			Traffic:            carried,
			RealServers: map[string]spec.RealServerStatus{
				a: {RealServerState: spec.RealServerState{Healthy: true, Weight: 3}, ActiveConnections: 5, InactiveConnections: 7, PersistentConnections: 2, Traffic: carried},
				b: {RealServerState: spec.RealServerState{Reason: "connection refused"}},
			},
		}}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		d.health.set(a, Down)
		d.sync()
		if got, _, _ := d.Status(t.Context()); got["web"].State != spec.ServiceDown {
			t.Errorf("with no server up the service is %q, want %q", got["web"].State, spec.ServiceDown)
		}
	})
}

// Many requests at once are served by few passes.
func TestRequestsThatWaitAreServedTogether(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		slow := &slowKernel{Fake: d.table}
		d.kernel = slow
		var all sync.WaitGroup
		for i := range 50 {
			d.Set(plain(a, i+1))
			all.Go(func() {
				if err := d.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 50")
		if slow.reads > 6 {
			t.Errorf("50 requests read the table %d times, want at most 6", slow.reads)
		}
	})
}

// slowKernel takes its time to read.
type slowKernel struct {
	*ipvs.Fake
	reads int
}

func (s *slowKernel) Read(ctx context.Context) (ipvs.Table, ipvs.Stats, error) {
	s.reads++
	time.Sleep(100 * time.Millisecond)
	return s.Fake.Read(ctx)
}

func TestSyncThatIsGivenUpEndsWhileAnotherWorks(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.turn <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want %v", err, context.DeadlineExceeded)
		}
		<-d.turn
	})
}

// crowd is n services with the servers of web.
func crowd(n int, servers ...any) spec.Desired {
	one := plain(servers...)
	d := spec.Desired{VirtualServers: map[string]spec.VirtualServer{}, RealServers: spec.Servers[spec.RealServer]{}}
	for i := range n {
		name, v := fmt.Sprintf("web%d", i), one.VirtualServers["web"]
		v.Port = 1000 + i
		v.ForwardingMethod = spec.NAT
		d.VirtualServers[name] = v
		d.RealServers[name] = one.RealServers["web"]
	}
	return d
}

func (d *director) syncServices(names ...string) {
	d.t.Helper()
	if err := d.SyncServices(d.t.Context(), names...); err != nil {
		d.t.Error(err)
	}
}

func (d *director) weights(service string) (a1, b1 uint32) {
	table, _, err := d.table.Read(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	servers := table[tcp(service)].Destinations
	return servers[netip.MustParseAddrPort(a)].Weight, servers[netip.MustParseAddrPort(b)].Weight
}

func TestOneChangeAmongManyServicesReadsItsServiceAlone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		const many = 100
		all := crowd(many, a, 1, b, 1)
		d.Set(all)
		d.sync()
		before := d.table.Reads()
		d.writes(1, func() {
			all = all.Clone()
			key := server(a)
			key.VirtualServer = "web7"
			all.RealServers.Put(key, spec.RealServer{Weight: 9})
			d.Set(all)
			d.syncServices("web7")
		})
		// Set has it written by itself; what asks for it by name looks once more.
		if n := d.table.Reads() - before; n > 4 {
			t.Errorf("%d services were read, want one, before and after", n)
		}
		if weight, _ := d.weights("192.0.2.100:1007"); weight != 9 {
			t.Errorf("weight is %d, want 9", weight)
		}
	})
}

func TestNamedServiceIsMadeWhatIsWantedAndTheOthersWait(t *testing.T) {
	for _, policy := range []DriftPolicy{Repair, Report} {
		t.Run(string(policy), func(t *testing.T) {
			onDirector(t, policy, func(t *testing.T, d *director) {
				d.Set(crowd(3, a, 1, b, 1))
				d.sync()
				d.operator("192.0.2.100:1001", a, 5)
				d.operator("192.0.2.100:1002", a, 6)
				d.writes(1, func() { d.syncServices("web1") })
				one, _ := d.weights("192.0.2.100:1001")
				two, _ := d.weights("192.0.2.100:1002")
				if one != 1 || two != 6 {
					t.Errorf("weights are %d and %d, want the named one put right and the other as it was", one, two)
				}
				time.Sleep(2 * DefaultResyncInterval)
				want := map[DriftPolicy]uint32{Repair: 1, Report: 6}[policy]
				if two, _ = d.weights("192.0.2.100:1002"); two != want {
					t.Errorf("after a resync the other weight is %d, want %d", two, want)
				}
				if n := d.Metrics().Drift["weight"]; n != 2 {
					t.Errorf("%d weights drifted, want 2", n)
				}
			})
		})
	}
}

// Sooner than at the next resync.
func TestAfterAFailureTheWholeTableIsCompared(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		all := crowd(20, a, 1, b, 1)
		d.Set(all)
		d.sync()
		d.operator("192.0.2.100:1003", a, 5)
		d.table.Refuse(func(ipvs.Op) error { return syscall.EINVAL })
		if err := d.SyncServices(t.Context(), "web3"); err == nil {
			t.Error("a refused write is no failure")
		}
		d.operator("192.0.2.100:1004", a, 5)
		d.table.Refuse(nil)
		time.Sleep(2 * firstRetry)
		if weight, _ := d.weights("192.0.2.100:1004"); weight != 1 {
			t.Errorf("weight elsewhere is %d, want 1", weight)
		}
	})
}

// A service that somebody else made is taken over with what it holds, also when nothing else is read.
func TestNewServiceTakesOverWhatIsThere(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.Set(spec.Desired{})
		d.sync()
		d.table.Edit(func(table ipvs.Table) {
			table[tcp("192.0.2.100:80")] = ipvs.Service{Options: ipvs.Options{Scheduler: "wrr"}, Destinations: map[netip.AddrPort]ipvs.Destination{
				netip.MustParseAddrPort(a): {Forwarding: ipvs.DirectRouting, Weight: 3},
			}}
		})
		d.writes(0, func() {
			d.Set(web(a, 3)) // no verdict yet: what is there counts
			d.syncServices("web")
		})
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3")
	})
}
