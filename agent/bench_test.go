package agent

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// manyServices is a thousand services of ten checked servers each, as changes to an empty store.
func manyServices() (changes []spec.Change) {
	const services, servers = 1000, 10
	tcp := spec.DefaultHealthCheck()
	tcp.TCP = &spec.TCPCheck{}
	for i := range services {
		v := spec.DefaultVirtualServer()
		v.Address, v.Port, v.ForwardingMethod, v.HealthCheck = netip.MustParseAddr("192.0.2.100"), i+1, spec.DirectRouting, &tcp
		name := fmt.Sprintf("service%d", i)
		changes = append(changes, spec.Change{Kind: spec.KindVirtualServer, Key: name, Value: v})
		for s := range servers {
			key := spec.ServerKey{VirtualServer: name, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(s + 1)}), uint16(i+1))}
			changes = append(changes, spec.Change{Kind: spec.KindRealServer, Key: key.String(), Value: spec.RealServer{Weight: 1}})
		}
	}
	return changes
}

// BenchmarkOneWeightAmongManyServers is one PUT, from the request to the answer, with a store on disk and without the
// kernel.
func BenchmarkOneWeightAmongManyServers(b *testing.B) {
	table := ipvs.NewFake()
	s, err := store.Open(filepath.Join(b.TempDir(), stateFile))
	if err != nil {
		b.Fatal(err)
	}
	r := run(b, filled(b, withDataplane(b, s, func(p *dataplane) { p.table = table }), manyServices()))
	awaitServers(b, table, 10_000)
	weight, before := 1, processorTime(b)
	var took []time.Duration
	for b.Loop() {
		weight = 3 - weight
		began := time.Now()
		if status, answer := r.call(b, http.MethodPut, "/v1/virtual-servers/service500/real-servers/198.51.100.1:501", fmt.Sprintf(`{"weight":%d}`, weight)); status != http.StatusOK {
			b.Fatalf("%d: %s", status, answer)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// filled returns an agent with that in its store.
func filled(b *testing.B, a *Agent, changes []spec.Change) *Agent {
	b.Helper()
	if _, err := a.store.Update(func(spec.Desired) ([]spec.Change, error) { return changes, nil }); err != nil {
		b.Fatal(err)
	}
	return a
}

// awaitServers waits until so many real servers are in the table.
func awaitServers(b *testing.B, table *ipvs.Fake, want int) {
	b.Helper()
	for servers := 0; servers != want; time.Sleep(50 * time.Millisecond) {
		there, _, err := table.Read(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		servers = 0
		for _, service := range there {
			servers += len(service.Destinations)
		}
	}
}

// BenchmarkJoin is how long it takes until ten thousand servers of one service are in the table, each of which
// has passed a check by TCP.
func BenchmarkJoin(b *testing.B) {
	const servers = 10_000
	changes := pool(servers, listener(b))
	var spent time.Duration
	for b.Loop() {
		table, before := ipvs.NewFake(), processorTime(b)
		a := filled(b, withDataplane(b, store.InMemory(), func(p *dataplane) { p.table, p.prober = table, check.Network{} }), changes)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		awaitServers(b, table, servers)
		spent += processorTime(b) - before
		stop()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "cpu-ms/op")
}

// pool is one service of so many servers at addresses of this machine, each checked by TCP, as changes.
func pool(servers int, port uint16) []spec.Change {
	tcp := spec.DefaultHealthCheck()
	tcp.TCP, tcp.Interval = &spec.TCPCheck{}, spec.Duration(30*time.Second)
	v := spec.DefaultVirtualServer()
	v.Address, v.Port, v.Scheduler, v.ForwardingMethod, v.HealthCheck = netip.MustParseAddr("192.0.2.100"), 80, "rr", spec.NAT, &tcp
	changes := []spec.Change{{Kind: spec.KindVirtualServer, Key: "web", Value: v}}
	for i := range servers {
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), port)
		key := spec.ServerKey{VirtualServer: "web", Address: address}
		changes = append(changes, spec.Change{Kind: spec.KindRealServer, Key: key.String(), Value: spec.RealServer{Weight: 1}})
	}
	return changes
}

// listener takes connections on a port of all of this machine's addresses, those in 127.0.0.0/8 among them.
func listener(b *testing.B) (port uint16) {
	b.Helper()
	l, err := net.Listen("tcp4", ":0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

// processorTime returns what this process has used, which other work of the machine does not lengthen.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
