package check

import (
	"maps"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// places is a Presence that is told where addresses are.
type places struct {
	mu        sync.Mutex
	elsewhere map[netip.Addr]bool
	takes     time.Duration // to say what was so when it was asked
}

func (p *places) Elsewhere() map[netip.Addr]bool {
	p.mu.Lock()
	said, takes := maps.Clone(p.elsewhere), p.takes
	p.mu.Unlock()
	time.Sleep(takes)
	return said
}

func (p *places) are(elsewhere map[netip.Addr]bool, takes time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.elsewhere, p.takes = elsewhere, takes
}

var vip = netip.MustParseAddr("192.0.2.100")

// move says whether the virtual address is elsewhere from now on.
func (b bench) move(elsewhere map[netip.Addr]bool) {
	b.places.are(elsewhere, 0)
	b.Trigger()
	b.pass(0)
}

var away, here = map[netip.Addr]bool{vip: true}, map[netip.Addr]bool{}

// following is the cluster with an address, checked only where that is active.
func following(servers ...string) spec.Desired {
	d := checked(cluster(servers...), func(v *spec.HealthCheck) { v.OnlyWhenActive = true })
	service := d.VirtualServers["web"]
	service.Address = vip
	d.VirtualServers["web"] = service
	return d
}

func TestServerIsCheckedOnlyWhileItsServiceIsHere(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.move(away)
		b.Set(following(one))
		b.pass(10 * time.Second)
		b.wantTimes(ofOne)
		b.wantServer(key(one), Assumed, elsewhere)

		b.move(here)
		b.pass(1500 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
		b.wantTimes(ofOne, 10*time.Second, 11*time.Second)
		b.prober.set(ofOne, errRefused)
		b.pass(3 * time.Second)
		b.wantServer(key(one), Failing, "connection refused")
		b.prober.times(ofOne)

		b.move(away)
		b.prober.set(ofOne, nil)
		b.pass(10 * time.Second)
		b.wantTimes(ofOne)
		b.wantServer(key(one), Failing, elsewhere)

		b.move(here) // its first result decides
		b.pass(500 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
	})
}

// Who is active may take a while to find out, in the middle of an election.
func TestNoCheckWaitsForWhereAddressesAre(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.places.are(here, 10*time.Second)
		b.Trigger()
		b.pass(5 * time.Second)
		b.wantTimes(ofOne, 0, time.Second, 2*time.Second, 3*time.Second, 4*time.Second, 5*time.Second)
	})
}

func TestLaterWordOfWhereAddressesAreCounts(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.places.are(away, 5*time.Second)
		b.Trigger()
		b.pass(time.Second)
		b.places.are(here, 0)
		b.Trigger()
		b.Set(following(one)) // looks, too
		b.pass(10 * time.Second)
		b.wantServer(key(one), Passing, "")
	})
}

func TestOtherServersAreCheckedWhereverTheServiceIs(t *testing.T) {
	t.Parallel()
	d := following(one)
	own := *d.VirtualServers["web"].HealthCheck
	own.OnlyWhenActive = false
	d.RealServers.Put(key(two), spec.RealServer{HealthCheck: &own})
	onBench(t, spec.Desired{}, func(b bench) {
		b.move(away)
		b.Set(d)
		b.pass(500 * time.Millisecond)
		b.wantServer(key(one), Assumed, elsewhere)
		b.wantServer(key(two), Passing, "")
	})
}

func TestRedefinedCheckOfAServiceThatIsElsewhereStaysPaused(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.move(away)
		b.Set(following(one))
		b.Set(checked(following(one), func(v *spec.HealthCheck) { v.Interval = spec.Duration(5 * time.Second) }))
		b.pass(10 * time.Second)
		b.wantTimes(ofOne)
		b.Set(checked(following(one), func(v *spec.HealthCheck) { v.OnlyWhenActive = false }))
		b.pass(500 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
	})
}

// A round that is under way while the service leaves is ended, and counts no more.
func TestPausedCheckForgetsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.slow(ofOne, 500*time.Millisecond)
		b.Set(following(one))
		b.pass(100 * time.Millisecond)
		b.move(away)
		b.pass(time.Second)
		b.wantServer(key(one), Assumed, elsewhere)
		if m := b.Metrics(); m.UnderWay != 0 || m.Series != 0 {
			b.t.Errorf("counted: %+v", m)
		}
	})
}
