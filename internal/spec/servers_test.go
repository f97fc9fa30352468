package spec

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServersAreFoundByVirtualServerAndAddress(t *testing.T) {
	t.Parallel()
	first, second, other := serverKey("web/192.0.2.21:80"), serverKey("web/192.0.2.22:80"), serverKey("mail/192.0.2.21:25")
	all := map[ServerKey]int{first: 1, second: 2, other: 3}
	s := CollectServers(maps.All(all))
	if diff := cmp.Diff(all, maps.Collect(s.All()), netipTypes); diff != "" || s.Count() != 3 {
		t.Errorf("%d servers (-want +got):\n%s", s.Count(), diff)
	}
	if diff := cmp.Diff([]ServerKey{other, first, second}, s.keys(), netipTypes); diff != "" {
		t.Errorf("in order (-want +got):\n%s", diff)
	}
	c := s.Clone()
	c.Put(first, 9)
	c.Delete(other)
	c.Delete(serverKey("ftp/192.0.2.21:21")) // is not there, and leaves no trace
	if diff := cmp.Diff(Servers[int]{"web": {first.Address: 9, second.Address: 2}}, c, netipTypes); diff != "" {
		t.Errorf("the copy (-want +got):\n%s", diff)
	}
	if v, ok := s.Get(first); v != 1 || !ok {
		t.Errorf("%d, %v: a write to the copy changed what it was copied from", v, ok)
	}
	if _, ok := c.Get(other); ok {
		t.Error("what was deleted is there")
	}
}

func TestChangesOfOneServerInOneStepEndAsTheLastSays(t *testing.T) {
	t.Parallel()
	put := func(weight int) Change {
		return Change{Kind: KindRealServer, Key: "web/192.0.2.21:80", Value: RealServer{Weight: weight}}
	}
	gone := Change{Kind: KindRealServer, Key: "web/192.0.2.21:80"}
	for name, tt := range map[string]struct {
		changes []Change
		want    Servers[RealServer]
	}{
		"put":          {[]Change{put(1), put(2)}, Servers[RealServer]{"web": {serverKey("web/192.0.2.21:80").Address: {Weight: 2}}}},
		"deleted":      {[]Change{put(1), gone}, Servers[RealServer]{}},
		"put again":    {[]Change{put(1), gone, put(3)}, Servers[RealServer]{"web": {serverKey("web/192.0.2.21:80").Address: {Weight: 3}}}},
		"never there":  {[]Change{gone}, Servers[RealServer]{}},
		"deleted last": {[]Change{gone, put(1), gone, gone}, Servers[RealServer]{}},
	} {
		after, err := Desired{}.With(tt.changes...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, after.RealServers, netipTypes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// with returns a desired state of so many services of ten servers each.
func with(services int) Desired {
	d := Desired{}.Clone()
	for i := range services {
		name := fmt.Sprintf("service%d", i)
		d.VirtualServers[name] = goodService()
		for s := range 10 {
			address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(s)}), 80)
			d.RealServers.Put(ServerKey{VirtualServer: name, Address: address}, DefaultRealServer())
		}
	}
	return d
}

var oneWeight = Change{Kind: KindRealServer, Key: "service7/198.51.100.5:80", Value: RealServer{Weight: 5}}

// What one server costs may not depend on what else there is: only the list of services is copied.
func TestOneServerCopiesItsOwnServiceAlone(t *testing.T) {
	// Not parallel: AllocsPerRun looks at the whole process.
	cost := func(services int) float64 {
		d := with(services)
		return testing.AllocsPerRun(10, func() {
			if _, err := d.With(oneWeight); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := cost(10), cost(1000); many > few+20 {
		t.Errorf("%.0f allocations among 1,000 services, %.0f among 10", many, few)
	}
}

func BenchmarkOneServerAmongThousandServices(b *testing.B) {
	d := with(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.With(oneWeight); err != nil {
			b.Fatal(err)
		}
	}
}
