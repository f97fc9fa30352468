// Package kerneltest holds agent/ipvs against the IPVS of a real kernel: the running one's, or, where
// that has none, a guest's. It is a folder of its own so that the tests that need no kernel run
// outside the guest, and under the race detector.
package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs/ipvstest"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm) }

// newDirector makes a network namespace and returns it with its table.
func newDirector(t *testing.T) (*lab.Host, *ipvs.Kernel) {
	t.Helper()
	director := lab.Start(t).Host(t, "director", "192.0.2.11/24", "2001:db8::11/64")
	kernel := ipvs.NewKernel(ipvs.KernelConfig{Namespace: "/run/netns/" + director.Namespace()})
	t.Cleanup(func() {
		if err := kernel.Close(); err != nil {
			t.Error(err)
		}
	})
	return director, kernel
}

func read(t *testing.T, k *ipvs.Kernel) ipvs.Table {
	t.Helper()
	table, _, err := k.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// become makes the kernel's table equal to desired and returns the number of writes.
func become(t *testing.T, k *ipvs.Kernel, desired ipvs.Table) int {
	t.Helper()
	writes, err := k.Apply(t.Context(), ipvs.Diff(read(t, k), desired))
	if err != nil {
		t.Fatal(err)
	}
	return writes
}

// ipvsadm runs ipvsadm on the host once for each line.
func ipvsadm(t *testing.T, on *lab.Host, lines ...string) string {
	t.Helper()
	var all strings.Builder
	for _, line := range lines {
		output, err := on.Output(t.Context(), append([]string{"ipvsadm"}, strings.Fields(line)...)...)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(output)
	}
	return all.String()
}

func key(p ipvs.Protocol, address string) ipvs.ServiceKey {
	return ipvs.AddressKey(p, netip.MustParseAddrPort(address))
}

func service(scheduler string, servers map[string]ipvs.Destination) ipvs.Service {
	s := ipvs.Service{Options: ipvs.Options{Scheduler: scheduler}, Destinations: map[netip.AddrPort]ipvs.Destination{}}
	for address, d := range servers {
		s.Destinations[netip.MustParseAddrPort(address)] = d
	}
	return s
}

// wrapped is a destination behind a tunnel.
func wrapped(t ipvs.TunnelType, port uint16, c ipvs.TunnelChecksum) ipvs.Destination {
	return ipvs.Destination{Forwarding: ipvs.Tunnel, Weight: 1, Tunnel: ipvs.TunnelOptions{Type: t, Port: port, Checksum: c}}
}

func TestVersionIsTheKernels(t *testing.T) {
	director, kernel := newDirector(t)
	version, err := kernel.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if says := ipvsadm(t, director, "-Ln"); !strings.Contains(says, "version "+version+" ") {
		t.Errorf("version is %q, ipvsadm says %q", version, says)
	}
}

// Every kind of service and destination there is, read back as it was written, and seen by ipvsadm as
// it is printed here.
func TestEveryKindIsReadBackAsWritten(t *testing.T) {
	director, kernel := newDirector(t)
	dr := ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 1}
	nat := ipvs.Destination{Forwarding: ipvs.NAT, Weight: 3}
	tunnel := ipvs.Destination{Forwarding: ipvs.Tunnel, Weight: 65535}
	desired := ipvs.Table{}
	for _, p := range []ipvs.Protocol{ipvs.TCP, ipvs.UDP, ipvs.SCTP} {
		desired[key(p, "192.0.2.100:80")] = service("wrr", map[string]ipvs.Destination{
			"192.0.2.21:80": dr, "192.0.2.22:8080": nat, "192.0.2.23:80": tunnel, "[2001:db8::24]:80": tunnel,
		})
		desired[key(p, "[2001:db8::100]:80")] = service("wlc", map[string]ipvs.Destination{
			"[2001:db8::21]:80": dr, "[2001:db8::22]:8080": nat, "[2001:db8::23]:80": tunnel, "192.0.2.24:80": tunnel,
		})
	}
	for _, f := range []ipvs.Family{ipvs.IPv4, ipvs.IPv6} {
		desired[ipvs.MarkKey(7, f)] = service("rr", nil)
	}
	desired[key(ipvs.TCP, "192.0.2.101:80")] = service("rr", map[string]ipvs.Destination{
		"192.0.2.21:80": wrapped(ipvs.GUE, 6080, ipvs.NoChecksum), "192.0.2.22:80": wrapped(ipvs.GUE, 6080, ipvs.Checksum),
		"192.0.2.23:80": wrapped(ipvs.GUE, 6081, ipvs.RemoteChecksum), "[2001:db8::24]:80": wrapped(ipvs.GUE, 6080, ipvs.NoChecksum),
		"192.0.2.25:80": wrapped(ipvs.GRE, 0, ipvs.NoChecksum), "192.0.2.26:80": wrapped(ipvs.GRE, 0, ipvs.Checksum),
	})
	sip := service("rr", nil)
	sip.Flags, sip.Persistence = ipvs.OnePacket, ipvs.Persistence{Timeout: 30, PrefixLength: 32, Engine: "sip"}
	desired[key(ipvs.UDP, "192.0.2.105:5060")] = sip

	become(t, kernel, desired)
	if diff := cmp.Diff(desired, read(t, kernel)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(desired.String()), sorted(ipvsadm(t, director, "-Sn"))); diff != "" {
		t.Errorf("ipvsadm -Sn (-want +got):\n%s", diff)
	}
	if writes := become(t, kernel, desired); writes != 0 {
		t.Errorf("the same table again took %d writes, want 0", writes)
	}
}

// sorted returns the lines of s as a set: ipvsadm's order is that of the kernel's hash.
func sorted(s string) map[string]bool {
	lines := map[string]bool{}
	for line := range strings.Lines(s) {
		lines[strings.TrimSpace(line)] = true
	}
	return lines
}

// The youngest scheduler, of Linux 5.13, which Debian does not build.
const youngest = "twos"

func TestEverySchedulerIsLoadedByNameAndPutInPlace(t *testing.T) {
	_, kernel := newDirector(t)
	web := key(ipvs.TCP, "192.0.2.100:80")
	one := map[string]ipvs.Destination{"192.0.2.21:80": {Forwarding: ipvs.DirectRouting, Weight: 1}}
	become(t, kernel, ipvs.Table{web: service("none", one)})
	for _, scheduler := range []string{"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", youngest} {
		desired := ipvs.Table{web: service(scheduler, one)}
		writes, err := kernel.Apply(t.Context(), ipvs.Diff(read(t, kernel), desired))
		if scheduler == youngest && err != nil {
			if !strings.HasSuffix(err.Error(), "(modprobe ip_vs_twos)") {
				t.Errorf("%s: error is %v, want one that names the module", scheduler, err)
			}
			continue
		}
		if writes != 1 || err != nil {
			t.Errorf("%s took %d writes, %v, want 1: the service is edited in place", scheduler, writes, err)
		}
		if diff := cmp.Diff(desired, read(t, kernel)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", scheduler, diff)
		}
	}
}

func TestAnyTableBecomesAnyOther(t *testing.T) {
	_, kernel := newDirector(t)
	const pairs = 300
	writes := 0
	for seed := range uint64(pairs) {
		desired := ipvstest.Table(rand.New(rand.NewPCG(seed, 1)))
		ops := ipvs.Diff(read(t, kernel), desired)
		n, err := kernel.Apply(t.Context(), ops)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if n != len(ops) {
			t.Errorf("seed %d: %d writes for %d operations", seed, n, len(ops))
		}
		writes += n
		got := read(t, kernel)
		if diff := cmp.Diff(desired, got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		if n, err := kernel.Apply(t.Context(), ipvs.Diff(got, desired)); n != 0 || err != nil {
			t.Fatalf("seed %d: once more: %d writes, %v", seed, n, err)
		}
	}
	t.Logf("%d tables, %d writes", pairs, writes)
}

func TestWeightAbove16BitsIsReadAsItIs(t *testing.T) {
	director, kernel := newDirector(t)
	ipvsadm(t, director, "-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 70000")
	server := netip.MustParseAddrPort("192.0.2.21:80")
	if got := read(t, kernel)[key(ipvs.TCP, "192.0.2.100:80")].Destinations[server].Weight; got != 70000 {
		t.Errorf("weight is %d, want 70000", got)
	}
}

// Somebody else adds or deletes between the reading and the writing.
func TestWhatChangedMeanwhileIsAdoptedOrLeft(t *testing.T) {
	director, kernel := newDirector(t)
	web, server := key(ipvs.TCP, "192.0.2.100:80"), netip.MustParseAddrPort("192.0.2.21:80")
	desired := ipvs.Table{web: service("wrr", map[string]ipvs.Destination{"192.0.2.21:80": {Forwarding: ipvs.DirectRouting, Weight: 5}})}

	ipvsadm(t, director, "-A -t 192.0.2.100:80 -s rr -p 60", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -m -w 1",
		"-a -t 192.0.2.100:80 -r 192.0.2.99:80 -m -w 1")
	if _, err := kernel.Apply(t.Context(), ipvs.Diff(ipvs.Table{}, desired)); err != nil {
		t.Fatal(err)
	}
	want := desired.Clone()
	want[web].Destinations[netip.MustParseAddrPort("192.0.2.99:80")] = ipvs.Destination{Forwarding: ipvs.NAT, Weight: 1}
	if diff := cmp.Diff(want, read(t, kernel)); diff != "" {
		t.Errorf("after adding what was there (-want +got):\n%s", diff)
	}

	gone := []ipvs.Op{
		{Action: ipvs.DeleteDestination, Service: web, Server: netip.MustParseAddrPort("192.0.2.98:80")},
		{Action: ipvs.DeleteDestination, Service: key(ipvs.UDP, "192.0.2.100:80"), Server: server},
		{Action: ipvs.DeleteService, Service: key(ipvs.UDP, "192.0.2.100:80")},
	}
	if writes, err := kernel.Apply(t.Context(), gone); writes != 3 || err != nil {
		t.Errorf("deleting what is gone: %d writes, %v, want 3 and no error", writes, err)
	}
}

func TestOneFailureIsExplainedAndStopsNothingElse(t *testing.T) {
	_, kernel := newDirector(t)
	good, bad := key(ipvs.TCP, "192.0.2.100:80"), key(ipvs.TCP, "192.0.2.100:79")
	one := map[string]ipvs.Destination{"192.0.2.21:80": {Forwarding: ipvs.DirectRouting, Weight: 1}}
	_, err := kernel.Apply(t.Context(), ipvs.Diff(ipvs.Table{}, ipvs.Table{good: service("wrr", one), bad: service("nosuch", one)}))

	failure, ok := errors.AsType[*ipvs.Error](err)
	if !ok || failure.Op.Service != bad || !errors.Is(failure, syscall.ENOENT) {
		t.Fatalf("error is %v, want an *ipvs.Error about %s that is ENOENT", err, bad)
	}
	const want = `add service tcp/192.0.2.100:79: no such file or directory: scheduler "nosuch" is not in this kernel (modprobe ip_vs_nosuch)`
	if err.Error() != want {
		t.Errorf("error is\n%s\nwant\n%s", err, want)
	}
	if diff := cmp.Diff(ipvs.Table{good: service("wrr", one)}, read(t, kernel)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// The errors of a batch come one by one, and none may be lost for want of room.
func TestEachOfManyFailuresIsReported(t *testing.T) {
	_, kernel := newDirector(t)
	become(t, kernel, ipvs.Table{key(ipvs.TCP, "192.0.2.100:80"): service("wrr", nil)})
	var ops []ipvs.Op
	for n := range uint16(3000) {
		server := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.21"), n+1)
		op := ipvs.Op{Action: ipvs.EditDestination, Service: key(ipvs.TCP, "192.0.2.100:80"), Server: server}
		if n%3 == 0 {
			op.Action = ipvs.AddDestination
		}
		ops = append(ops, op)
	}
	writes, err := kernel.Apply(t.Context(), ops)
	if n := strings.Count(err.Error(), "the destination is not in the table"); writes != len(ops) || n != 2000 {
		t.Errorf("%d writes, %d errors, want %d and 2000", writes, n, len(ops))
	}
	if n := len(read(t, kernel)[key(ipvs.TCP, "192.0.2.100:80")].Destinations); n != 1000 {
		t.Errorf("%d destinations were added, want 1000", n)
	}
}

func TestPartOfTheTableIsReadAsTheWhole(t *testing.T) {
	_, kernel := newDirector(t)
	one := map[string]ipvs.Destination{"192.0.2.21:80": {Forwarding: ipvs.DirectRouting, Weight: 1}}
	web, dns, gone := key(ipvs.TCP, "192.0.2.100:80"), ipvs.MarkKey(9, ipvs.IPv6), key(ipvs.SCTP, "192.0.2.100:80")
	become(t, kernel, ipvs.Table{web: service("wrr", one), dns: service("rr", nil), key(ipvs.UDP, "192.0.2.100:80"): service("rr", one)})
	part, stats, err := kernel.ReadServices(t.Context(), web, gone, dns)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ipvs.Table{web: service("wrr", one), dns: service("rr", nil)}, part); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if len(stats) != 2 || len(stats[web].Destinations) != 1 {
		t.Errorf("statistics are %v", stats)
	}
}

// Readings share what did not change between them, so what did must not show in the older one.
func TestReadingIsOfItsMoment(t *testing.T) {
	director, kernel := newDirector(t)
	two := map[string]ipvs.Destination{"192.0.2.21:80": {Forwarding: ipvs.DirectRouting, Weight: 1}, "192.0.2.22:80": {Forwarding: ipvs.DirectRouting, Weight: 1}}
	web, dns := key(ipvs.TCP, "192.0.2.100:80"), key(ipvs.UDP, "192.0.2.100:53")
	first := ipvs.Table{web: service("wrr", two), dns: service("rr", two)}
	become(t, kernel, first)
	moments := []ipvs.Table{read(t, kernel)}
	want := []ipvs.Table{first}
	for _, step := range []struct {
		command string
		change  func(ipvs.Table)
	}{
		{"-e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 7", func(t ipvs.Table) {
			t[web].Destinations[netip.MustParseAddrPort("192.0.2.21:80")] = ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 7}
		}},
		{"-d -t 192.0.2.100:80 -r 192.0.2.22:80", func(t ipvs.Table) { delete(t[web].Destinations, netip.MustParseAddrPort("192.0.2.22:80")) }},
		{"-E -t 192.0.2.100:80 -s lc", func(t ipvs.Table) {
			s := t[web]
			s.Scheduler = "lc"
			t[web] = s
		}},
		{"-D -u 192.0.2.100:53", func(t ipvs.Table) { delete(t, dns) }},
		{"-A -u 192.0.2.100:53 -s rr", func(t ipvs.Table) { t[dns] = service("rr", nil) }},
	} {
		ipvsadm(t, director, step.command)
		next := want[len(want)-1].Clone()
		step.change(next)
		moments, want = append(moments, read(t, kernel)), append(want, next)
		part, _, err := kernel.ReadServices(t.Context(), web, dns)
		if err != nil {
			t.Fatal(err)
		}
		moments, want = append(moments, part), append(want, next)
	}
	if diff := cmp.Diff(want, moments); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

func TestMixedFamiliesWithoutATunnelAreRefusedNotMangled(t *testing.T) {
	_, kernel := newDirector(t)
	web := key(ipvs.TCP, "192.0.2.100:80")
	_, err := kernel.Apply(t.Context(), ipvs.Diff(ipvs.Table{}, ipvs.Table{web: service("wrr", map[string]ipvs.Destination{
		"[2001:db8::21]:80": {Forwarding: ipvs.DirectRouting, Weight: 1},
	})}))
	if !errors.Is(err, syscall.EINVAL) || !strings.Contains(fmt.Sprint(err), "another family takes a tunnel") {
		t.Errorf("error is %v, want EINVAL and that a tunnel is needed", err)
	}
	if diff := cmp.Diff(ipvs.Table{web: service("wrr", nil)}, read(t, kernel)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// moby/ipvs alone hangs here: it takes the answers of others for its own and throws them away.
func TestManyGoroutinesShareOneKernel(t *testing.T) {
	_, kernel := newDirector(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for n := range 4 {
		k := key(ipvs.TCP, fmt.Sprintf("192.0.2.%d:80", 100+n))
		all.Go(func() {
			for weight := range uint32(50) {
				want := ipvs.Table{k: service("wrr", map[string]ipvs.Destination{"192.0.2.21:80": {Weight: weight + 1}})}
				table, _, err := kernel.Read(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				mine := ipvs.Table{}
				if s, ok := table[k]; ok {
					mine[k] = s
				}
				if _, err := kernel.Apply(ctx, ipvs.Diff(mine, want)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	for k, s := range read(t, kernel) {
		if got := s.Destinations[netip.MustParseAddrPort("192.0.2.21:80")].Weight; got != 50 {
			t.Errorf("weight in %s is %d, want 50", k, got)
		}
	}
}

func TestTablesOfNamespacesAreApart(t *testing.T) {
	_, one := newDirector(t)
	_, other := newDirector(t)
	become(t, one, ipvs.Table{key(ipvs.TCP, "192.0.2.100:80"): service("rr", nil)})
	if table := read(t, other); len(table) != 0 {
		t.Errorf("the other namespace has\n%s", table)
	}
}

func TestClosedKernelOpensAgain(t *testing.T) {
	_, kernel := newDirector(t)
	desired := ipvs.Table{key(ipvs.TCP, "192.0.2.100:80"): service("rr", nil)}
	become(t, kernel, desired)
	if err := kernel.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(desired, read(t, kernel)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	become(t, kernel, ipvs.Table{})
}

// What is said of a kernel at plan is what it does at apply.
func TestKernelTakesTheSchedulersThatItsModulesTellOf(t *testing.T) {
	_, kernel := newDirector(t)
	modules, err := new(ipvs.LocalModules).Read()
	if err != nil || modules == nil {
		t.Fatalf("modules are %q, %v", modules, err)
	}
	for i, scheduler := range spec.Schedulers() {
		service := ipvs.MarkKey(uint32(i+1), ipvs.IPv4)
		_, err := kernel.Apply(t.Context(), []ipvs.Op{{Action: ipvs.AddService, Service: service, Options: ipvs.Options{Scheduler: scheduler}}})
		if took := err == nil; took != modules.Has(scheduler) {
			t.Errorf("%s is among the modules: %t; the kernel said: %v", scheduler, modules.Has(scheduler), err)
		}
	}
	if modules.Has("nonesuch") || !modules.Has("pe_sip") {
		t.Errorf("modules are %q", modules)
	}
}
