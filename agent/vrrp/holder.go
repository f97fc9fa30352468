package vrrp

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// holderRetry is the time between attempts at taking addresses off that would not go.
const holderRetry = time.Second

// wish is what a router wants the kernel to hold. It is replaced whole, never written to.
type wish struct {
	active    bool
	addresses []placed
	// virtual is the virtual link that carries some of them, or "".
	virtual string
	routes  []spec.VirtualRoute
	// announce counts the times that the addresses should have been announced.
	announce uint64
	garp     spec.GARP
}

// client is a router as the holder sees it.
type client interface {
	// wanted is called from the holder's goroutine.
	wanted() *wish
	// failed says that the addresses could not be put on the interface.
	failed(err error)
	// restored says that addresses were put back which somebody else had removed.
	restored(addresses []netip.Prefix)
	// warn reports what the holder will try again by itself.
	warn(what string, err error)
}

// holder makes the kernel hold the addresses that the machines want, on a goroutine of its own so that
// no kernel call stands before an advert. It is level-triggered: it looks at what is wanted now, and a
// wish that was replaced before it came to it never happened.
type holder struct {
	addresses Addresses
	links     VirtualLinks
	routes    Routes
	// signal has room for one: somebody's wish changed.
	signal chan struct{}
	// check: look after addresses that somebody else may have removed.
	check atomic.Bool

	// mu is never taken by the engine's thread.
	mu      sync.Mutex
	clients map[client]*held
	// paused: nothing is done.
	paused bool
	// disturbed: addresses were taken off since the last pass. The kernel may have taken others with them,
	// which is nobody else's doing: those of the same subnet as the first one in it.
	disturbed bool
}

// held is what was done for a client.
type held struct {
	// on is what may be on the interface: what was put there, and before that what a crash may have left.
	on []placed
	// routes are those that may be there.
	routes []spec.VirtualRoute
	// seen is the wish that was last fulfilled.
	seen *wish
	// fresh are those that are to be announced at once.
	fresh []placed
	// rounds are the announcements that are still to come.
	rounds rounds
	// retry is when to try again to remove. Zero: never.
	retry time.Time
}

func newHolder(a Addresses, v VirtualLinks, r Routes) *holder {
	return &holder{addresses: a, links: v, routes: r, signal: make(chan struct{}, 1), clients: map[client]*held{}}
}

// wake makes Run look at the wishes. It never blocks.
func (h *holder) wake() {
	select {
	case h.signal <- struct{}{}:
	default:
	}
}

// verify makes Run put back what is missing of what it put. It never blocks.
func (h *holder) verify() {
	h.check.Store(true)
	h.wake()
}

// add takes a client on. What a crash may have left of the addresses of one that is not active is removed
// before add returns.
func (h *holder) add(c client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := c.wanted()
	state := &held{on: w.addresses, routes: w.routes}
	h.clients[c] = state
	h.remove(c, state, w)
	h.wake() // what would not go is tried again
}

// inherit takes a client on whose addresses another process has put on the interface and announced.
func (h *holder) inherit(c client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := c.wanted()
	seen := *w
	seen.announce = 0 // as of that process: since then there may have been reason to
	state := &held{on: w.addresses, routes: w.routes, seen: &seen, rounds: rounds{garp: w.garp}}
	state.rounds.refresh(time.Now())
	h.clients[c] = state
	h.wake()
}

// pause has nothing more done, until proceed, and says of which clients all is done that has a time.
func (h *holder) pause() (done map[*router]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = true
	done = make(map[*router]bool, len(h.clients))
	for c, state := range h.clients {
		if r, ok := c.(*router); ok {
			done[r] = state.announced(c.wanted())
		}
	}
	return done
}

// proceed ends a pause.
func (h *holder) proceed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = false
	h.verify()
}

// announced reports whether a wish is fulfilled, and what followed the first announcements has come.
func (s *held) announced(w *wish) bool {
	return s.seen != nil && s.seen.announce == w.announce && len(s.fresh) == 0 && (s.rounds.due.IsZero() || s.rounds.refreshing)
}

// drop lets go of a client, and of its addresses, before it returns.
func (h *holder) drop(c client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(c, h.clients[c], &wish{virtual: c.wanted().virtual})
	delete(h.clients, c)
	h.disturbed = true
	h.verify() // another client may want one of them
}

// Run holds addresses until ctx ends, and then does once more what is wanted.
func (h *holder) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-h.signal:
		case <-timer.C:
		}
		if next := h.pass(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// settle does what is to be done before it returns.
func (h *holder) settle() {
	h.pass()
	h.wake() // Run knows when there will be more
}

// pass does what is to be done now and returns when there will be more, or zero.
func (h *holder) pass() (next time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.paused {
		return time.Time{}
	}
	check := h.check.Swap(false)
	// Removals first: an address may go from one client to another.
	for c, state := range h.clients {
		if h.remove(c, state, c.wanted()) {
			h.disturbed = true
		}
	}
	check = check || h.disturbed
	// All addresses before the first announcement: that takes its time, and nobody should wait for it.
	for c, state := range h.clients {
		if w := c.wanted(); w.active && (w != state.seen || check) {
			h.put(c, state, w)
		}
	}
	for c, state := range h.clients {
		h.announceDue(c, state)
		for _, t := range []time.Time{state.rounds.due, state.retry} {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	h.disturbed = false
	return next
}

// remove takes off what is on and no longer wanted, and reports whether there was anything.
func (h *holder) remove(c client, state *held, w *wish) bool {
	if !w.active {
		state.seen, state.rounds, state.fresh = nil, rounds{}, nil
	}
	resting := ""
	if !w.active {
		w, resting = &wish{}, w.virtual
	}
	gone, routes := without(state.on, w.addresses), without(state.routes, w.routes)
	if len(gone) == 0 && len(routes) == 0 {
		state.retry = time.Time{}
		return false
	}
	if time.Now().Before(state.retry) {
		return false
	}
	state.retry = time.Time{}
	err := h.routes.RemoveRoutes(routes)
	if err == nil {
		err = byInterface(gone, func(iface string, addresses []netip.Prefix) error {
			if iface == resting {
				return h.links.StandBy(iface)
			}
			return h.addresses.Remove(iface, addresses)
		})
	}
	if err != nil {
		state.retry = time.Now().Add(holderRetry)
		c.warn("take virtual addresses and routes away", err)
		return false
	}
	state.on, state.routes = without(state.on, gone), without(state.routes, routes)
	return true
}

// announceDue announces what put found to be new, and what of a later round has come due. Whoever has let
// go of the role since then comes to that in the next pass.
func (h *holder) announceDue(c client, state *held) {
	if len(state.fresh) > 0 {
		h.announce(c, state.fresh)
		state.fresh = nil
		state.rounds.begin(time.Now(), state.seen.garp)
	}
	if state.seen == nil {
		return
	}
	if from, to := state.rounds.take(time.Now(), len(state.seen.addresses)); from < to {
		h.announce(c, state.seen.addresses[from:to])
	}
}

// put puts on what is missing. What was missing is to be announced at once, and everything later again.
func (h *holder) put(c client, state *held, w *wish) {
	state.on = append(state.on, without(w.addresses, state.on)...)
	state.routes = append(state.routes, without(w.routes, state.routes)...)
	announce, err := h.putAddresses(w.addresses)
	if err != nil {
		// What comes next is the client's to wish.
		state.seen, state.rounds, state.fresh = nil, rounds{}, nil
		c.failed(err)
		return
	}
	if stolen := common(announce, state.seen); len(stolen) > 0 && !h.disturbed {
		c.restored(prefixesOf(stolen))
	}
	if err := h.routes.EnsureRoutes(w.routes); err != nil {
		c.warn("put the virtual routes in place", err) // the next look tries again
	}
	if state.seen == nil || state.seen.announce != w.announce {
		announce = w.addresses
	}
	state.seen = w
	state.rounds.adopt(time.Now(), w.garp)
	state.fresh = announce
}

func (h *holder) putAddresses(all []placed) (added []placed, err error) {
	err = byInterface(all, func(iface string, addresses []netip.Prefix) error {
		fresh, err := h.addresses.Ensure(iface, addresses)
		for _, p := range fresh {
			added = append(added, placed{iface, p})
		}
		return err
	})
	return added, err
}

// common returns which of the addresses a wish had.
func common(addresses []placed, w *wish) []placed {
	if w == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(addresses), func(p placed) bool { return !slices.Contains(w.addresses, p) })
}

func (h *holder) announce(c client, addresses []placed) {
	err := byInterface(addresses, func(iface string, addresses []netip.Prefix) error {
		return h.addresses.Announce(iface, addrs(addresses))
	})
	if err != nil {
		c.warn("announce the virtual addresses", err)
	}
}

func addrs(prefixes []netip.Prefix) []netip.Addr {
	list := make([]netip.Addr, len(prefixes))
	for i, p := range prefixes {
		list[i] = p.Addr()
	}
	return list
}
