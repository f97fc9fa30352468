// Package kerneltest holds agent/balance against the IPVS of a real kernel. It is a folder of its own
// so that the tests that need no kernel run outside the guest, and under the race detector.
package kerneltest

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm) }

// director is a host with a balancer and what it keeps on disk.
type director struct {
	*balance.Balancer
	t      *testing.T
	host   *lab.Host
	ledger balance.Ledger
	health *verdicts
	policy balance.DriftPolicy
	stop   func()
}

// resync is how often a director compares by itself.
const resync = 200 * time.Millisecond

func newDirector(t *testing.T) *director {
	t.Helper()
	return newDirectorWith(t, balance.Repair)
}

func newDirectorWith(t *testing.T, policy balance.DriftPolicy) *director {
	t.Helper()
	d := &director{
		t: t, policy: policy, host: lab.Start(t).Host(t, "director", "192.0.2.11/24"),
		ledger: store.LedgerOf[ipvs.ServiceKey](store.InMemory(), "services"),
		health: &verdicts{says: map[string]balance.Verdict{}},
	}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

// start starts an agent's balancer; kill ends it without a word to the kernel.
func (d *director) start() {
	kernel := ipvs.NewKernel(ipvs.KernelConfig{Namespace: "/run/netns/" + d.host.Namespace()})
	d.Balancer = balance.New(balance.Config{
		Kernel: kernel, Health: d.health, Ledger: d.ledger, Log: slog.New(slog.DiscardHandler),
		DriftPolicy: d.policy, ResyncInterval: resync,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			d.t.Error(err)
		}
	})
	d.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := kernel.Close(); err != nil {
			d.t.Error(err)
		}
	})
}

func (d *director) sync(desired spec.Desired) {
	d.t.Helper()
	d.Set(desired)
	if err := d.Sync(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *director) ipvsadm(line string) string {
	d.t.Helper()
	output, err := d.host.Output(d.t.Context(), append([]string{"ipvsadm"}, strings.Fields(line)...)...)
	if err != nil {
		d.t.Fatal(err)
	}
	return output
}

// wants waits until ipvsadm prints the table.
func (d *director) wants(want string) {
	d.t.Helper()
	got := d.ipvsadm("-Sn")
	for deadline := time.Now().Add(20 * time.Second); got != want && time.Now().Before(deadline); got = d.ipvsadm("-Sn") {
		time.Sleep(20 * time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("ipvsadm -Sn (-want +got):\n%s", diff)
	}
}

type verdicts struct {
	mu   sync.Mutex
	says map[string]balance.Verdict
}

func (v *verdicts) Server(key spec.ServerKey) (balance.Verdict, string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.says[key.Address.String()], ""
}

func (v *verdicts) set(says map[string]balance.Verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.says = says
}

const (
	first  = "192.0.2.21:80"
	second = "192.0.2.22:80"
)

func web() spec.Desired {
	check := spec.DefaultHealthCheck()
	check.TCP = &spec.TCPCheck{}
	return spec.Desired{
		VirtualServers: map[string]spec.VirtualServer{"web": {
			Address: netip.MustParseAddr("192.0.2.100"), Port: 80, Protocol: spec.TCP, Scheduler: "wrr",
			ForwardingMethod: spec.DirectRouting, HealthCheck: &check,
		}},
		RealServers: spec.Servers[spec.RealServer]{"web": {netip.MustParseAddrPort(first): {Weight: 1}, netip.MustParseAddrPort(second): {Weight: 2}}},
	}
}

// The whole life of a service, as ipvsadm sees it.
func TestTableFollowsServicesAndChecks(t *testing.T) {
	d := newDirector(t)
	d.ipvsadm("-A -t 192.0.2.200:80 -s lc") // somebody else's
	const foreign = "-A -t 192.0.2.200:80 -s lc\n"
	const service = "-A -t 192.0.2.100:80 -s wrr\n"

	d.sync(web())
	d.wants(service + foreign)

	d.health.set(map[string]balance.Verdict{first: balance.Up, second: balance.Up})
	d.Trigger()
	d.wants(service + "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 2\n" + foreign)

	d.health.set(map[string]balance.Verdict{first: balance.Down, second: balance.Up})
	d.Trigger()
	const oneDown = service + "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0\n-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 2\n" + foreign
	d.wants(oneDown)

	for _, behind := range []string{
		"-E -t 192.0.2.100:80 -s rr -p 60",
		"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -m -w 70000 -x 5 -y 2",
		"-d -t 192.0.2.100:80 -r 192.0.2.22:80",
		"-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1",
		"-D -t 192.0.2.100:80",
	} {
		d.ipvsadm(behind)
		d.wants(oneDown)
	}
	want := map[string]uint64{
		"scheduler": 1, "persistence": 1, "forwarding_method": 1, "weight": 1,
		"upper_threshold": 1, "lower_threshold": 1, "present": 3,
	}
	if diff := cmp.Diff(want, d.Metrics().Drift); diff != "" {
		t.Errorf("drift counted (-want +got):\n%s", diff)
	}

	d.sync(spec.Desired{})
	d.wants(foreign)
}

func TestKilledAndStartedAgentWritesNothing(t *testing.T) {
	d := newDirector(t)
	d.health.set(map[string]balance.Verdict{first: balance.Up, second: balance.Up})
	d.sync(web())
	d.health.set(map[string]balance.Verdict{first: balance.Up, second: balance.Down})
	d.sync(web())
	before := d.ipvsadm("-Sn")

	d.stop()
	d.health.set(nil)
	d.start()
	d.sync(web())
	d.health.set(map[string]balance.Verdict{first: balance.Up, second: balance.Down})
	d.sync(web())
	if diff := cmp.Diff(before, d.ipvsadm("-Sn")); diff != "" {
		t.Errorf("ipvsadm -Sn (-before +after):\n%s", diff)
	}
	if got := d.Metrics().Writes; got != 0 {
		t.Errorf("the second life wrote %d times, want 0", got)
	}
}

func TestServiceSetUpByHandIsAdoptedInPlace(t *testing.T) {
	d := newDirector(t)
	d.ipvsadm("-A -t 192.0.2.100:80 -s lc")
	d.ipvsadm("-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 9")
	d.sync(web()) // without a verdict yet, what takes connections goes on
	d.wants("-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n")
	if got := d.Metrics().Writes; got != 2 {
		t.Errorf("adopting took %d writes, want 2: nothing is deleted and added again", got)
	}
}
