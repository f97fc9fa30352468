package vrrp_test

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// director is an engine on a machine in memory.
type director struct {
	t       *testing.T
	engine  *vrrp.Engine
	machine *link.Memory
	scripts *scripts
	// services are verdicts on virtual servers.
	services *scripts
	events   *recorder
	stop     func()
}

// recorder keeps what was published.
type recorder struct {
	mu     sync.Mutex
	events []spec.Event
}

func (r *recorder) publish(events ...spec.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, events...)
}

// of returns what was published of some types, without times.
func (r *recorder) of(types ...spec.EventType) []spec.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []spec.Event
	for _, e := range r.events {
		if slices.Contains(types, e.Type) {
			e.Time = time.Time{}
			found = append(found, e)
		}
	}
	return found
}

// scripts are verdicts that a test gives.
type scripts struct {
	mu       sync.Mutex
	verdicts map[string]bool
}

func (s *scripts) Script(name string) (passing, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	passing, known = s.verdicts[name]
	return passing, known
}

// Service implements vrrp.Services.
func (s *scripts) Service(name string) (up, known bool) { return s.Script(name) }

// Awaited implements vrrp.Services: those on mail and web, if so was set for "awaited".
func (s *scripts) Awaited([]netip.Addr) ([]string, bool) {
	awaited, _ := s.Script("awaited")
	return []string{"mail", "web"}, awaited
}

func (s *scripts) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.verdicts, name)
}

func (s *scripts) set(name string, passing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts[name] = passing
}

// start runs an engine whose eth0 has the address, on a network that others may share, until the test
// ends or stop is called.
func start(t *testing.T, network vrrp.Network, address string, ledger link.Ledger) *director {
	t.Helper()
	machine, err := link.NewMemory(ledger)
	if err != nil {
		t.Fatal(err)
	}
	machine.SetOwn("eth0", netip.MustParsePrefix(address))
	d := &director{t: t, machine: machine, scripts: &scripts{verdicts: map[string]bool{}}, services: &scripts{verdicts: map[string]bool{}}, events: &recorder{}}
	d.engine = vrrp.NewEngine(vrrp.Config{
		Interfaces:   machine,
		Addresses:    machine,
		VirtualLinks: machine,
		Acceptance:   machine,
		Routes:       machine,
		Network:      network,
		Scripts:      d.scripts,
		Services:     d.services,
		Log:          slog.New(slog.DiscardHandler),
		Publish:      d.events.publish,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.engine.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(d.stop)
	return d
}

// interval is short, for the sake of who waits, and long enough for a busy machine.
const interval = 100 * time.Millisecond

func instance(priority int) spec.VRRPInstance {
	return spec.VRRPInstance{
		VirtualRouterID:       51,
		Interface:             "eth0",
		Priority:              priority,
		Preempt:               true,
		AdvertisementInterval: spec.Duration(interval),
		AcceptMode:            true,
		VirtualAddresses:      []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")},
	}
}

func (d *director) set(instances map[string]spec.VRRPInstance) {
	d.t.Helper()
	if err := d.engine.Set(instances); err != nil {
		d.t.Fatalf("set: %v", err)
	}
}

// steady is an instance that no stall of a busy machine makes leave its role.
func steady(priority int) spec.VRRPInstance {
	v := instance(priority)
	v.AdvertisementInterval = spec.Duration(time.Second)
	return v
}

func web(v spec.VRRPInstance) map[string]spec.VRRPInstance {
	return map[string]spec.VRRPInstance{"web": v}
}

func (d *director) status() spec.VRRPInstanceStatus { return d.engine.Status()["web"] }

// holds reports whether the machine carries the virtual address.
func (d *director) holds() bool { return strings.Contains(d.machine.String(), "192.0.2.100/24") }

func (d *director) is(state spec.InstanceState) func() bool {
	return func() bool { return d.status().State == state && d.holds() == (state == spec.InstanceActive) }
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestEngine_AloneBecomesActiveAndHoldsTheAddress(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(steady(150)))
	eventually(t, "it listens first", d.is(spec.InstanceBackup))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	if diff := cmp.Diff("eth0 UP 192.0.2.11/24 192.0.2.100/24\n", d.machine.String()); diff != "" {
		t.Error(diff)
	}
	eventually(t, "the address was announced", func() bool {
		return slices.Equal(d.machine.Announced(), []string{"eth0 192.0.2.100"})
	})
	status := d.status()
	if status.ActiveRouter != "192.0.2.11" || status.EffectivePriority != 150 || status.BecameActive != 1 || status.Since.IsZero() {
		t.Errorf("status: %+v", status)
	}
	late := d.engine.Lateness()
	if sent := d.status().AdvertsSent; late.Count == 0 || late.Count > sent {
		t.Errorf("lateness of %d adverts was counted, %d were sent", late.Count, sent)
	}
	if late.Sum <= 0 || late.Sum > time.Duration(late.Count)*interval {
		t.Errorf("%d adverts were %s late together", late.Count, late.Sum)
	}
	d.stop()
	if d.holds() || d.status().State != spec.InstanceInitialize {
		t.Errorf("after stopping: %s, %s", d.status().State, d.machine)
	}
}

func TestEngine_HigherPriorityIsActiveAndComesBack(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d1.set(web(instance(150)))
	d2.set(web(instance(100)))
	eventually(t, "d1 is active", d1.is(spec.InstanceActive))
	eventually(t, "d2 knows", func() bool { return d2.is(spec.InstanceBackup)() && d2.status().ActiveRouter == "192.0.2.11" })

	d1.machine.SetTrouble("eth0", "interface eth0 has no carrier")
	eventually(t, "d1 is in fault", d1.is(spec.InstanceFault))
	if got := d1.status().Reason; got != "interface eth0 has no carrier" {
		t.Errorf("reason %q", got)
	}
	eventually(t, "d2 took over", d2.is(spec.InstanceActive))

	d1.machine.SetTrouble("eth0", "")
	eventually(t, "d1 is active again", d1.is(spec.InstanceActive))
	eventually(t, "d2 yielded", d2.is(spec.InstanceBackup))
}

func TestEngine_StopHandsOverAndKeepsTheAddressUntilThen(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d1.set(web(instance(150)))
	d2.set(web(instance(100)))
	eventually(t, "d1 is active", d1.is(spec.InstanceActive))
	eventually(t, "d2 is backup", d2.is(spec.InstanceBackup))
	d1.stop()
	// d2 took over because of what d1 said, or d1 would still hold the address: it waits for d2.
	eventually(t, "d2 is active", d2.is(spec.InstanceActive))
	if d1.holds() {
		t.Error("d1 kept the address")
	}
}

func TestEngine_AStolenAddressIsPutBackCountedAndTold(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	d.machine.Steal("eth0", netip.MustParsePrefix("192.0.2.100/24"))
	eventually(t, "it is counted", func() bool { return d.status().AddressesRestored == 1 })
	eventually(t, "it is back", d.is(spec.InstanceActive))
	want := []spec.Event{{Type: spec.EventDriftRepaired, Kind: spec.KindVRRPInstance, Name: "web",
		Drift: &spec.DriftEvent{Field: "virtual_addresses", Actual: "without 192.0.2.100/24", Want: "192.0.2.100/24"}}}
	if diff := cmp.Diff(want, d.events.of(spec.EventDriftRepaired)); diff != "" {
		t.Errorf("what was told (-want +got):\n%s", diff)
	}
	if got := d.status().BecameActive; got != 1 {
		t.Errorf("it became active %d times", got)
	}
}

func TestEngine_SetAgainDoesNothing(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	slow := instance(150)
	d.set(web(slow))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	eventually(t, "it announced", func() bool { return len(d.machine.Announced()) == 1 })
	slow.AdvertisementInterval = spec.Duration(40 * time.Second)
	d.set(web(slow))
	eventually(t, "nothing is due any more", func() bool {
		sent := d.status().AdvertsSent
		time.Sleep(3 * interval)
		return d.status().AdvertsSent == sent
	})
	before, writes := d.status(), d.machine.Writes()
	for range 100 {
		d.set(web(slow))
	}
	if diff := cmp.Diff(before, d.status()); diff != "" {
		t.Errorf("status changed:\n%s", diff)
	}
	if got := d.machine.Writes(); got != writes {
		t.Errorf("%d writes of addresses, want %d", got, writes)
	}
}

func TestEngine_78_AnotherHardwareAddressIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(steady(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	announced := func(times int) func() bool { return func() bool { return len(d.machine.Announced()) == times } }
	eventually(t, "it announced", announced(1))
	d.machine.SetHardwareAddress("eth0", "02:00:00:00:00:01")
	eventually(t, "it announced again", announced(2))
	d.machine.SetHardwareAddress("eth0", "")
	d.machine.SetHardwareAddress("eth0", "02:00:00:00:00:01")
	d.set(web(steady(160)))
	if s := d.status(); s.BecameActive != 1 || len(d.machine.Announced()) != 2 {
		t.Errorf("announced %s: %+v", d.machine.Announced(), s)
	}
}

func TestEngine_ChangesInPlace(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	v := steady(150)
	d.set(web(v))
	eventually(t, "it is active", d.is(spec.InstanceActive))

	v.Priority = 90
	v.AdvertisementInterval = spec.Duration(2 * time.Second)
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24"), netip.MustParsePrefix("192.0.2.102/32")}
	d.set(web(v))
	if got := d.status().EffectivePriority; got != 90 {
		t.Errorf("effective priority %d", got)
	}
	eventually(t, "the addresses are the new ones", func() bool {
		return d.machine.String() == "eth0 UP 192.0.2.11/24 192.0.2.101/24 192.0.2.102/32\n"
	})
	if got := d.status(); got.State != spec.InstanceActive || got.BecameActive != 1 {
		t.Errorf("it left its role: %+v", got)
	}

	v.VirtualRouterID = 52
	d.set(web(v))
	if got := d.status().State; got != spec.InstanceBackup {
		t.Errorf("with another virtual router id it is %s, want backup", got)
	}
	d.set(nil)
	if diff := cmp.Diff("eth0 UP 192.0.2.11/24\n", d.machine.String()); diff != "" {
		t.Error(diff)
	}
	if got := d.engine.Status(); len(got) != 0 {
		t.Errorf("status %v", got)
	}
}

func TestEngine_AddressMovesBetweenInstances(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	here, elsewhere := instance(150), instance(50)
	elsewhere.VirtualRouterID = 52
	elsewhere.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.200/24")}
	d.set(map[string]spec.VRRPInstance{"here": here, "elsewhere": elsewhere})
	other := elsewhere
	other.Priority = 200
	peer.set(map[string]spec.VRRPInstance{"elsewhere": other})
	eventually(t, "here is active and elsewhere is not", func() bool {
		s := d.engine.Status()
		return s["here"].State == spec.InstanceActive && s["elsewhere"].ActiveRouter == "192.0.2.12" && d.holds()
	})
	here.VirtualAddresses, elsewhere.VirtualAddresses = elsewhere.VirtualAddresses, here.VirtualAddresses
	d.set(map[string]spec.VRRPInstance{"here": here, "elsewhere": elsewhere})
	eventually(t, "each has the other's", func() bool {
		return d.machine.String() == "eth0 UP 192.0.2.11/24 192.0.2.200/24\n"
	})
}

func TestEngine_TrackedScripts(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	v := instance(150)
	v.TrackScripts = map[string]spec.Track{"gateway": {Weight: -60}, "must": {Weight: 0}}
	d1.set(web(v))
	eventually(t, "it waits for the first verdict", d1.is(spec.InstanceFault))
	if got := d1.status().Reason; got != `check script "must" has not run yet` {
		t.Errorf("reason %q", got)
	}
	d1.scripts.set("must", true)
	d1.engine.Trigger()
	eventually(t, "d1 is active", d1.is(spec.InstanceActive))
	d2.set(web(instance(100)))
	eventually(t, "d2 is backup", d2.is(spec.InstanceBackup))

	d1.scripts.set("gateway", false)
	d1.engine.Trigger()
	eventually(t, "the role moved to d2", func() bool { return d2.is(spec.InstanceActive)() && d1.is(spec.InstanceBackup)() })
	if got := d1.status().EffectivePriority; got != 90 {
		t.Errorf("effective priority %d, want 90", got)
	}
	d1.scripts.set("gateway", true)
	d1.engine.Trigger()
	eventually(t, "the role came back", func() bool { return d1.is(spec.InstanceActive)() && d2.is(spec.InstanceBackup)() })

	d1.scripts.set("must", false)
	d1.engine.Trigger()
	eventually(t, "d1 is in fault", func() bool { return d1.is(spec.InstanceFault)() && d2.is(spec.InstanceActive)() })
	if got := d1.status().Reason; got != `check script "must" fails` {
		t.Errorf("reason %q", got)
	}
}

func TestEngine_82_StaleAddressesAreRemovedAtTheStart(t *testing.T) {
	t.Parallel()
	ledger := &link.MemoryLedger{}
	network := vrrp.NewMemoryNetwork()
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	peer.set(web(instance(200)))
	eventually(t, "the peer is active", peer.is(spec.InstanceActive))

	// What a killed agent leaves: addresses, and a ledger.
	machine, err := link.NewMemory(ledger)
	if err != nil {
		t.Fatal(err)
	}
	machine.SetOwn("eth0", netip.MustParsePrefix("192.0.2.11/24"))
	left := []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24"), netip.MustParsePrefix("192.0.2.101/24")}
	if err := machine.Claim("eth0", left); err != nil {
		t.Fatal(err)
	}
	if _, err := machine.Ensure("eth0", left); err != nil {
		t.Fatal(err)
	}
	engine := vrrp.NewEngine(vrrp.Config{Interfaces: machine, Addresses: machine, VirtualLinks: machine, Acceptance: machine, Routes: machine, Network: network,
		Scripts: &scripts{}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	if err := engine.Set(web(instance(100))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("eth0 UP 192.0.2.11/24 192.0.2.100/24\n", machine.String()); diff != "" {
		t.Errorf("nobody wants 192.0.2.101 any more:\n%s", diff)
	}
	go func() { ended <- engine.Run(ctx) }()
	eventually(t, "it runs", func() bool { return engine.Status()["web"].State == spec.InstanceBackup })
	if diff := cmp.Diff("eth0 UP 192.0.2.11/24\n", machine.String()); diff != "" {
		t.Errorf("a backup carries the address:\n%s", diff)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestEngine_AnAddressThatIsTheMachinesOwnIsAFault(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.100/24", &link.MemoryLedger{})
	err := d.engine.Set(map[string]spec.VRRPInstance{"web": instance(150)})
	if err == nil || !strings.Contains(err.Error(), "192.0.2.100 is an address of eth0 itself") {
		t.Errorf("error %v", err)
	}
	eventually(t, "it is in fault", func() bool { return d.status().State == spec.InstanceFault })
	d.set(nil)
	if diff := cmp.Diff("eth0 UP 192.0.2.100/24\n", d.machine.String()); diff != "" {
		t.Error(diff)
	}
}

func TestEngine_40_72_AnOwnerIsActiveAtOnceAndItsAddressIsNeverTouched(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	peer.set(web(instance(254)))
	eventually(t, "the peer is active", peer.is(spec.InstanceActive))

	ledger := &link.MemoryLedger{}
	owner := start(t, network, "192.0.2.100/24", ledger)
	v := instance(255)
	v.Preempt = false
	v.TrackScripts = map[string]spec.Track{"gateway": {Weight: -60}}
	owner.scripts.set("gateway", false)
	owner.set(web(v))
	eventually(t, "the owner is active", func() bool { return owner.status().State == spec.InstanceActive })
	if got := owner.status().EffectivePriority; got != 255 {
		t.Errorf("its effective priority is %d", got)
	}
	eventually(t, "the address is announced", func() bool {
		return slices.Equal(owner.machine.Announced(), []string{"eth0 192.0.2.100"})
	})
	eventually(t, "the peer yielded", peer.is(spec.InstanceBackup))
	owner.set(nil)
	eventually(t, "the peer is active again", peer.is(spec.InstanceActive))
	owner.stop()
	if diff := cmp.Diff("eth0 UP 192.0.2.100/24\n", owner.machine.String()); diff != "" {
		t.Errorf("it has lost its own address:\n%s", diff)
	}
	if entries, err := ledger.Entries(); len(entries) > 0 || err != nil || owner.machine.Writes() > 0 {
		t.Errorf("%d writes of addresses, claimed: %v, %v", owner.machine.Writes(), entries, err)
	}
}

func TestEngine_50_WithoutPreemptAHigherPriorityWaits(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d2.set(web(instance(100)))
	eventually(t, "d2 is active", d2.is(spec.InstanceActive))
	v := instance(150)
	v.Preempt = false
	d1.set(web(v))
	eventually(t, "d1 heard enough adverts to take over", func() bool { return d1.status().AdvertsReceived > 8 })
	if !d1.is(spec.InstanceBackup)() || !d2.is(spec.InstanceActive)() {
		t.Errorf("d1 is %s, d2 is %s", d1.status().State, d2.status().State)
	}
	v.Preempt, v.PreemptDelay = true, spec.Duration(time.Millisecond)
	d1.set(web(v))
	eventually(t, "d1 is active", d1.is(spec.InstanceActive))
}

func TestEngine_AStolenAddressIsPutBack(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(steady(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	d.machine.Steal("eth0", netip.MustParsePrefix("192.0.2.100/24"))
	eventually(t, "the address is back and announced", func() bool {
		return d.holds() && len(d.machine.Announced()) == 2
	})
	if got := d.status(); got.BecameActive != 1 {
		t.Errorf("it left its role: %+v", got)
	}
}

func TestEngine_TwoInstancesWithOneVRIDOnAnInterface(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	second := instance(150)
	second.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24")}
	d.set(map[string]spec.VRRPInstance{"a": instance(150), "b": second})
	eventually(t, "the first is active", func() bool { return d.engine.Status()["a"].State == spec.InstanceActive })
	if got := d.engine.Status()["b"]; got.State != spec.InstanceFault || !strings.Contains(got.Reason, `used by VRRP instance "a"`) {
		t.Errorf("the second: %s, %q", got.State, got.Reason)
	}
}

func TestEngine_ADuplicateThatTakesTheIDStillHears(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	peer.set(web(instance(200)))
	eventually(t, "the peer is active", peer.is(spec.InstanceActive))
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d.set(map[string]spec.VRRPInstance{"b": instance(150)})
	eventually(t, "b hears the peer", func() bool { return d.engine.Status()["b"].AdvertsReceived > 0 })
	second := instance(150)
	second.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24")}
	d.set(map[string]spec.VRRPInstance{"a": second, "b": instance(150)}) // the first by name has the id
	eventually(t, "a hears the peer", func() bool { return d.engine.Status()["a"].AdvertsReceived >= 5 })
	if got := d.engine.Status(); got["a"].State != spec.InstanceBackup || got["b"].State != spec.InstanceFault {
		t.Errorf("%+v", got)
	}
}

func TestEngine_ManyInstancesAreElectedOnce(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	many := func(priority int) map[string]spec.VRRPInstance {
		all := map[string]spec.VRRPInstance{}
		for id := 1; id <= 250; id++ {
			v := instance(priority)
			v.VirtualRouterID = id
			v.AdvertisementInterval = spec.Duration(time.Second)
			v.VirtualAddresses = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(id)}), 32)}
			all[string(rune('a'+id%26))+string(rune('a'+id/26))] = v
		}
		return all
	}
	d1.set(many(150))
	d2.set(many(100))
	eventually(t, "all are active on d1", func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Values(d1.engine.Status())), func(s spec.VRRPInstanceStatus) bool {
			return s.State != spec.InstanceActive
		})
	})
	for name, s := range d2.engine.Status() {
		if s.State != spec.InstanceBackup || s.BecameActive != 0 {
			t.Errorf("%s on d2: %+v", name, s)
		}
	}
}
