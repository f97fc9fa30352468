package check

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// many is services of ten servers each, in order.
func many(services int) spec.Desired {
	d := spec.Desired{}.Clone()
	for i := range services {
		check := spec.DefaultHealthCheck()
		check.TCP, check.Interval = &spec.TCPCheck{}, spec.Duration(time.Minute)
		name := fmt.Sprintf("service%d", i)
		d.VirtualServers[name] = spec.VirtualServer{HealthCheck: &check}
		for s := range 10 {
			d.RealServers.Put(spec.ServerKey{VirtualServer: name, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(s + 1)}), uint16(i+1))}, spec.DefaultRealServer())
		}
	}
	return d
}

func BenchmarkSetOfAll(b *testing.B) {
	d := many(1000)
	c := New(Config{Prober: Assume{}})
	for b.Loop() {
		c.Set(d)
	}
}

// BenchmarkSetOfOne costs what its one service costs, however many others there are.
func BenchmarkSetOfOne(b *testing.B) {
	d := many(1000)
	c := New(Config{Prober: Assume{}})
	c.Set(d)
	for b.Loop() {
		c.Set(d, "service500")
	}
}
