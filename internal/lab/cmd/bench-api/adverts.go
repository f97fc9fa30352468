package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// quiet is how long nothing may have changed hands before an election is over.
const quiet = 3 * time.Second

// adverts are those of the virtual routers as they pass the active director's interface, with the kernel's time: its own
// as they leave.
type adverts struct {
	fd int

	mu   sync.Mutex
	last map[byte]advert
	// off is by how much the time between two adverts of a router was off the interval, since begin; changes is how
	// often an advert came from another director than the one before.
	off     []time.Duration
	changes int
	changed time.Time
}

type advert struct {
	at     time.Time
	source netip.Addr
}

// hear begins to listen.
func hear(h *lab.Host) (*adverts, error) {
	const vrrp = 112
	a := &adverts{last: map[byte]advert{}, changed: time.Now()}
	err := h.Do(func() (err error) {
		a.fd, err = bench.TimedTap("eth0", vrrp)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hear adverts: %w", err)
	}
	go bench.ReceiveTimed(a.fd, a.heard) // ends with the process: nothing else wakes who waits for such a socket
	return a, nil
}

func (a *adverts) heard(at time.Time, datagram []byte) {
	message := datagram[int(datagram[0]&0x0f)*4:]
	if len(message) < 8 {
		return
	}
	vrid, source := message[1], netip.AddrFrom4([4]byte(datagram[12:]))
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.last[vrid]
	a.last[vrid] = advert{at, source}
	switch {
	case !known:
		a.changed = at
	case last.source != source:
		a.changes++
		a.changed = at
	default:
		a.off = append(a.off, (at.Sub(last.at) - interval).Abs())
	}
}

// settle waits until one director has had all of n routers for a while.
func (a *adverts) settle(ctx context.Context, n int, by netip.Addr) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it took too long"))
	defer cancel()
	for {
		a.mu.Lock()
		own, still := 0, time.Since(a.changed)
		for _, last := range a.last {
			if last.source == by {
				own++
			}
		}
		a.mu.Unlock()
		if own == n && still >= quiet {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s has %d of %d virtual routers: %w", by, own, n, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (a *adverts) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.off, a.changes = nil, 0
}

// report prints what was seen since begin.
func (a *adverts) report(t bench.Results, routers int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.off)
	if len(a.off) > 0 {
		what := fmt.Sprintf("    meanwhile, of %d routers at %s: adverts off their time by, 99 %%", routers, interval)
		t.Time(what, a.off[len(a.off)*99/100], 10*time.Millisecond)
		t.Figure("    the most of all", bench.Rounded(a.off[len(a.off)-1]))
	}
	t.Number("    changed hands", float64(a.changes), 1, "")
}
