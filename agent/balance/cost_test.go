package balance

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// checkedCrowd is n services of ten servers each, all of which are checked.
func checkedCrowd(n int) spec.Desired {
	var servers []any
	for i := range 10 {
		servers = append(servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(21 + i)}), 80).String(), 1)
	}
	d := crowd(n, servers...)
	check := spec.DefaultHealthCheck()
	check.TCP = &spec.TCPCheck{}
	for name, v := range d.VirtualServers {
		v.HealthCheck = &check
		d.VirtualServers[name] = v
	}
	return d
}

// healthy is a Health by which all servers are up.
type healthy struct{}

func (healthy) Server(spec.ServerKey) (Verdict, string) { return Up, "" }

// settled is a balancer whose table is what is desired.
func settled(t testing.TB, k Kernel, d spec.Desired) *Balancer {
	t.Helper()
	b := New(Config{Kernel: k, Health: healthy{}, Ledger: &ledger{}, Log: slog.New(slog.DiscardHandler)})
	b.Want(d)
	if err := b.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// weigh gives a server of web7 another weight, as a request does.
func weigh(t testing.TB, b *Balancer, d spec.Desired, weight int) spec.Desired {
	t.Helper()
	d, err := d.With(spec.Change{Kind: spec.KindRealServer, Key: "web7/192.0.2.22:80", Value: spec.RealServer{Weight: weight}})
	if err != nil {
		t.Fatal(err)
	}
	b.Want(d, "web7")
	if err := b.SyncServices(t.Context(), "web7"); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOneWeightCostsItsOwnServiceAlone(t *testing.T) {
	// Not parallel: AllocsPerRun looks at the whole process.
	cost := func(services int) float64 {
		d := checkedCrowd(services)
		b, weight := settled(t, ipvs.NewFake(), d), 1
		return testing.AllocsPerRun(20, func() {
			weight = 3 - weight
			d = weigh(t, b, d, weight)
		})
	}
	// The list of services is copied, in a few pieces more when there are more of them.
	if few, many := cost(10), cost(1000); many > few+50 {
		t.Errorf("%.0f allocations among 1,000 services, %.0f among 10", many, few)
	}
}

func BenchmarkOneWeightAmongThousandServices(b *testing.B) {
	d := checkedCrowd(1000)
	balancer, weight := settled(b, ipvs.NewFake(), d), 1
	b.ReportAllocs()
	for b.Loop() {
		weight = 3 - weight
		d = weigh(b, balancer, d, weight)
	}
}

func TestVerdictReadsItsOwnServiceAlone(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		all := crowd(100, a, 1, b, 1)
		alone := all.VirtualServers["web7"]
		alone.HealthCheck = &spec.HealthCheck{TCP: &spec.TCPCheck{}}
		all.VirtualServers["web7"] = alone
		d.Set(all)
		d.sync()
		before := d.table.Reads()
		d.health.set(b, Up)
		d.writes(1, func() { d.Trigger("web7") })
		if n := d.table.Reads() - before; n > 2 {
			t.Errorf("%d services were read, want one, before and after", n)
		}
	})
}

// running has a balancer run until what it returns is called.
func running(t *testing.T, b *Balancer) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	}
}

// slow is a table on which everything takes its time.
type slow struct {
	*ipvs.Fake
	passes atomic.Int64
}

func (s *slow) Info(ctx context.Context) (string, error) {
	s.passes.Add(1)
	time.Sleep(100 * time.Millisecond)
	return s.Fake.Info(ctx)
}

func TestVerdictsThatComeOneByOneAreServedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &slow{Fake: ipvs.NewFake()}
		b := settled(t, table, checkedCrowd(1))
		stop := running(t, b)
		before := table.passes.Load()
		for range 1000 {
			b.Trigger("web0")
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(longestRest)
		// Ten seconds, in which a pass and its rest take 400 ms.
		if n := table.passes.Load() - before; n < 20 || n > 30 {
			t.Errorf("%d passes, want about 25", n)
		}
		stop()
		if b.done != b.asked.Load() {
			t.Error("the last verdict was not served")
		}
	})
}

func TestFirstVerdictAfterARestIsServedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &slow{Fake: ipvs.NewFake()}
		b := settled(t, table, checkedCrowd(1))
		defer running(t, b)()
		for range 3 {
			time.Sleep(2 * longestRest)
			before := table.passes.Load()
			b.Trigger("web0")
			synctest.Wait()
			if table.passes.Load() != before+1 {
				t.Error("a verdict waits though nothing went before it")
			}
		}
	})
}
