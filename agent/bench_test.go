package agent

import (
	"fmt"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// manyServices is a thousand services of ten checked servers each, as changes to an empty store.
func manyServices() (changes []spec.Change) {
	const services, servers = 1000, 10
	check := spec.DefaultHealthCheck()
	check.TCP = &spec.TCPCheck{}
	for i := range services {
		v := spec.DefaultVirtualServer()
		v.Address, v.Port, v.ForwardingMethod, v.HealthCheck = netip.MustParseAddr("192.0.2.100"), i+1, spec.DirectRouting, &check
		name := fmt.Sprintf("service%d", i)
		changes = append(changes, spec.Change{Kind: spec.KindVirtualServer, Key: name, Value: v})
		for s := range servers {
			key := spec.ServerKey{VirtualServer: name, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(s + 1)}), uint16(i+1))}
			changes = append(changes, spec.Change{Kind: spec.KindRealServer, Key: key.String(), Value: spec.RealServer{Weight: 1}})
		}
	}
	return changes
}

// BenchmarkOneWeightAmongManyServers is one PUT, from the request to the answer, without the kernel.
func BenchmarkOneWeightAmongManyServers(b *testing.B) {
	table := ipvs.NewFake()
	a := withTable(b, table)
	changes := manyServices()
	if _, err := a.store.Update(func(spec.Desired) ([]spec.Change, error) { return changes, nil }); err != nil {
		b.Fatal(err)
	}
	r := run(b, a)
	for {
		there, _, err := table.Read(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		servers := 0
		for _, service := range there {
			servers += len(service.Destinations)
		}
		if len(there)+servers == len(changes) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	weight, before := 1, processorTime(b)
	for b.Loop() {
		weight = 3 - weight
		if status, answer := r.call(b, http.MethodPut, "/v1/virtual-servers/service500/real-servers/198.51.100.1:501", fmt.Sprintf(`{"weight":%d}`, weight)); status != http.StatusOK {
			b.Fatalf("%d: %s", status, answer)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// processorTime returns what this process has used, which other work of the machine does not lengthen.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
