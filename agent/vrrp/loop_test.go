package vrrp

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// crowd is a loop with active routers that are due at those times from now on, and another connection to their
// network.
func crowd(t *testing.T, interval time.Duration, due ...time.Duration) (l *loop, other Conn) {
	t.Helper()
	network := NewMemoryNetwork()
	conns := [2]Conn{}
	for i := range conns {
		c, err := network.Open("eth0", 2, spec.IPv4)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		conns[i] = c
	}
	l, err := newLoop(newHolder(newKernel(), newKernel(), newKernel()), newNotes(make(chan note, 1000)), &lateness{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	p := newPort(attachment{"eth0", spec.IPv4}, 2, conns[0], log)
	l.ports = []*port{p}
	l.now = monotonic()
	for i, d := range due {
		v := spec.VRRPInstance{VirtualRouterID: i + 1, Interface: "eth0", Priority: 100, AdvertisementInterval: spec.Duration(interval),
			VirtualAddresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")}}
		r := newRouter(fmt.Sprint(i), v, log, func(*router, error) {}, new(atomic.Int64))
		r.machine, r.transport, r.addresses = activeAt(interval, l.now+d), transportOf(v), addrs(v.VirtualAddresses)
		r.port, p.routers[r.vrid] = p, r
		p.listeners[r.vrid].Store(&listener{router: r, own: r.machine.Parameters(), transport: r.transport, addresses: r.addresses,
			hearing: &hearing{limit: rateLimit{}}})
		l.routers = append(l.routers, r)
	}
	return l, conns[1]
}

// activeAt returns an active machine whose next advert is due then.
func activeAt(interval, due time.Duration) *Machine {
	m := NewMachine(Parameters{Version: Version3, Primary: netip.MustParseAddr("192.0.2.11"), Priority: 100, Interval: interval, Preempt: true})
	start := due - interval - ActiveDownInterval(100, interval)
	m.Step(start, Startup{})
	m.Step(due-interval, Timer{})
	return m
}

// heardBy returns the VRIDs of the adverts that wait.
func heardBy(t *testing.T, c Conn) (vrids []uint8) {
	t.Helper()
	buf := make([]byte, 2048)
	for {
		n, err := c.Receive(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return vrids
		}
		vrids = append(vrids, buf[ipv4HeaderLen+1])
	}
}

func TestLoop_55_AdvertsThatAreNearlyDueGoAlong(t *testing.T) {
	t.Parallel()
	const interval = 16 * time.Second // early by a second at most
	l, listener := crowd(t, interval, -ms, 900*ms, 5*time.Second)
	late, _ := l.routers[1].machine.Deadline()
	l.round()
	if got := heardBy(t, listener); !bytes.Equal(got, []byte{1, 2}) {
		t.Errorf("sent for %v, want the one that is due, and the one that nearly is", got)
	}
	if next, _ := l.routers[1].machine.Deadline(); next != late+interval {
		t.Errorf("the early one's next is due in %s after this one was, want %s", next-late, interval)
	}
	if got := l.lateness.snapshot(); got.Count != 2 {
		t.Errorf("lateness of %d adverts was counted, want 2", got.Count)
	}
}

func TestLoop_55_NothingIsSentEarlyByItself(t *testing.T) {
	t.Parallel()
	l, listener := crowd(t, 16*time.Second, 500*ms, 900*ms)
	l.round()
	if got := heardBy(t, listener); len(got) > 0 {
		t.Errorf("sent for %v", got)
	}
}

// A backup that takes over early would meet an active router that is alive.
func TestLoop_47_NobodyTakesOverEarly(t *testing.T) {
	t.Parallel()
	const interval = 16 * time.Second
	l, listener := crowd(t, interval, -ms, 0)
	backup := NewMachine(Parameters{Primary: netip.MustParseAddr("192.0.2.11"), Priority: 100, Interval: interval, Preempt: true})
	backup.Step(l.now-ActiveDownInterval(100, interval)+900*ms, Startup{})
	l.routers[1].machine = backup
	l.round()
	if got := heardBy(t, listener); !bytes.Equal(got, []byte{1}) {
		t.Errorf("sent for %v, want the active one alone", got)
	}
}

// Garbage would be collected by threads that a loaded machine lets wait, and the thread with them.
func TestLoop_AnAdvertCostsNoGarbage(t *testing.T) {
	// Not parallel: AllocsPerRun looks at the whole process.
	l, listener := crowd(t, time.Second, 0)
	r := l.routers[0]
	buf := make([]byte, 2048)
	sent := testing.AllocsPerRun(100, func() {
		l.now, _ = r.machine.Deadline()
		l.timers(0)
		if n, err := listener.Receive(buf); n == 0 || err != nil {
			t.Fatalf("nothing was sent: %v", err)
		}
	})
	if sent > 0 {
		t.Errorf("%v allocations to send one", sent)
	}

	advert := bytes.Clone(l.out)
	copy(advert[12:], []byte{192, 0, 2, 12}) // the source: another router's, in an IPv4 header
	r.machine = NewMachine(r.machine.Parameters())
	r.machine.Step(l.now, Startup{})
	p := l.ports[0]
	hear := func() {
		if err := listener.Send(advert); err != nil {
			t.Fatal(err)
		}
		p.listen(l.notes, l.now)
		l.hear()
	}
	hear()
	heard := testing.AllocsPerRun(100, hear)
	if r.received.Load() < 100 {
		t.Fatalf("%d adverts were taken, dropped: %v", r.received.Load(), r.drops.counts())
	}
	if heard > 0 {
		t.Errorf("%v allocations to hear one", heard)
	}
}
