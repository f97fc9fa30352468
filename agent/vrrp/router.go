package vrrp

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// router is one instance on the engine's thread: a machine, and what carries out its actions. What
// other goroutines read of it is atomic; all else belongs to the thread.
type router struct {
	name   string
	iface  string
	family spec.Family
	vrid   uint8
	log    *slog.Logger
	// tellFailure tells the engine that the addresses could not be put on the interface.
	tellFailure func(*router, error)
	// published is told what the thread is not needed for. It may be nil.
	published func(...spec.Event)

	machine   *Machine
	port      *port // nil until there was an interface to open
	virtual   *port // of the virtual MAC, or nil
	addresses []netip.Addr
	transport transport
	// hardware is the hardware address that neighbours know the interface by, or "".
	hardware string
	// hearing and virtualHearing are what goes on at each.
	hearing, virtualHearing *hearing
	reason                  string
	hold                    string
	limit                   rateLimit
	// group is the sync group, or "", and members the number of those that are in it.
	group   string
	members int
	// outcomes wait for a failover to end.
	outcomes []chan<- spec.InstanceState

	state atomic.Pointer[spec.VRRPInstanceState]
	// following: what the followed router repeats changes nothing.
	following atomic.Bool
	wish      atomic.Pointer[wish]
	failure   atomic.Pointer[failure]
	sent      atomic.Uint64
	unsent    atomic.Uint64
	received  atomic.Uint64
	became    atomic.Uint64
	drops     dropCounts
	oddities  oddityCounts
	stolen    atomic.Uint64 // addresses that somebody else took off and that were put back
	// relay is what the router does while it is suspended.
	relay relay
	// lastAdvert is the reading of the clock at the last advert, 0 while not active. It outlives the process.
	lastAdvert *atomic.Int64
}

// failure is why a router may not take part for a while although its interface is there.
type failure struct {
	err   error
	until time.Time
}

// failureHold is how long a router that could not put its addresses on stays in fault, so that another
// one serves meanwhile.
const failureHold = 10 * time.Second

func newRouter(name string, v spec.VRRPInstance, log *slog.Logger, tellFailure func(*router, error), lastAdvert *atomic.Int64) *router {
	r := &router{
		name:        name,
		iface:       v.Interface,
		family:      v.Family(),
		vrid:        uint8(v.VirtualRouterID),
		log:         log.With("instance", name, "vrid", v.VirtualRouterID, "interface", v.Interface),
		tellFailure: tellFailure,
		machine:     NewMachine(Parameters{Version: uint8(v.Version), Priority: uint8(v.Priority), Interval: v.AdvertisementInterval.Std()}),
		limit:       rateLimit{},

		lastAdvert: lastAdvert,
	}
	r.wish.Store(&wish{addresses: placesOf(v), virtual: virtualName(v), routes: v.Routes(), garp: v.GARP})
	r.publish()
	return r
}

// resume goes on where an earlier process was, if the others cannot have missed it yet. Its addresses are
// then wanted from the beginning. It is called before anybody else knows the router.
func (r *router) resume(now time.Duration) {
	last := time.Duration(r.lastAdvert.Load())
	p := r.machine.Parameters()
	if last == 0 || last > now || now-last >= p.ActiveDownInterval(p.Interval) {
		r.lastAdvert.Store(0)
		return
	}
	r.machine.Step(now, Resume{})
	w := *r.wish.Load()
	w.active = true
	r.wish.Store(&w)
	r.log.Info("goes on as active: its last advert is not too long ago", "ago", now-last)
}

func (r *router) wanted() *wish { return r.wish.Load() }

func (r *router) failed(err error) {
	r.tellFailure(r, err)
}

func (r *router) restored(addresses []netip.Prefix) {
	r.stolen.Add(uint64(len(addresses)))
	if r.published != nil {
		r.published(addressesRestored(r.name, addresses)...)
	}
	r.log.Warn("virtual addresses that somebody else removed are back", "addresses", addresses)
}

func (r *router) warn(what string, err error) { r.log.Warn("unable to "+what, "error", err) }

// apply brings the router to what is wanted of it.
func (r *router) apply(l *loop, now time.Duration, in input) {
	r.addresses = addrs(in.addresses)
	r.transport = in.transport
	r.hearing = r.move(r.port, in.port, r.hearing, in.params)
	r.virtualHearing = r.move(r.virtual, in.virtual, r.virtualHearing, in.params)
	r.port, r.virtual = in.port, in.virtual
	if w := r.wish.Load(); !slices.Equal(w.addresses, in.places) || !slices.Equal(w.routes, in.routes) || w.garp != in.garp || w.virtual != in.virtualName {
		changed := *w
		changed.addresses, changed.routes, changed.garp = in.places, in.routes, in.garp
		changed.virtual = in.virtualName
		r.wish.Store(&changed)
		l.holder.wake()
	}
	if in.hardware != "" {
		if r.hardware != "" && r.hardware != in.hardware && r.wish.Load().active {
			r.announce(l)
		}
		r.hardware = in.hardware
	}
	r.reason, r.hold = in.reason, in.hold
	r.members = in.members
	l.groups.move(r, in.group)
	r.step(l, now, Configure{in.params})
	l.setRest()
	if in.reason != "" {
		r.step(l, now, Fault{})
	} else {
		r.step(l, now, Startup{})
	}
}

// move goes from listening at one port to listening at another, each of which may be nil, and takes what goes on
// there along, or begins anew. Another router may have been given the place meanwhile.
func (r *router) move(from, to *port, h *hearing, own Parameters) *hearing {
	if from != to {
		h = &hearing{limit: rateLimit{}}
		if from != nil && from.routers[r.vrid] == r {
			delete(from.routers, r.vrid)
			from.listeners[r.vrid].Store(nil)
		}
		if to != nil {
			to.routers[r.vrid] = r
		}
	}
	if to != nil {
		to.listeners[r.vrid].Store(&listener{router: r, own: own, transport: r.transport, addresses: r.addresses, hearing: h})
	}
	return h
}

// deadline is when the machine wants to be told the time, unless it wants to act on silence that is not certain
// yet.
func (r *router) deadline(now time.Duration) (_ time.Duration, pending bool) {
	for _, p := range [...]*port{r.port, r.virtual} {
		if p != nil && p.unheard && r.actsOnSilence(now) {
			return 0, false
		}
	}
	return r.machine.Deadline()
}

// actsOnSilence reports whether a deadline has come at which the machine does something because it has not heard
// anything. An active router that is in time does not: it sends.
func (r *router) actsOnSilence(now time.Duration) bool {
	deadline, pending := r.machine.Deadline()
	if !pending || deadline > now {
		return false
	}
	return r.machine.State() != spec.InstanceActive || now-deadline > r.machine.Parameters().Interval
}

// step feeds the machine and does what it says. Sending is the only thing done here; all else is left
// for others to do.
func (r *router) step(l *loop, now time.Duration, ev Event) {
	r.stepAlone(l, now, ev)
	l.settle(r, now)
}

// stepAlone is step without a word to the sync group.
func (r *router) stepAlone(l *loop, now time.Duration, ev Event) {
	for _, action := range r.machine.Step(now, ev) {
		switch action := action.(type) {
		case SendAdvert:
			r.send(l, action.Priority)
		case Acquire:
			r.became.Add(1)
			w := *r.wish.Load()
			w.active = true
			w.announce++
			r.wish.Store(&w)
			l.holder.wake()
		case Announce:
			r.announce(l)
		case Release:
			r.lastAdvert.Store(0)
			w := *r.wish.Load()
			w.active = false
			r.wish.Store(&w)
			l.holder.wake()
		}
	}
	r.following.Store(r.machine.Following())
	before := r.state.Load()
	from, to, changed := r.publish()
	after := r.state.Load()
	if after.Failover && !before.Failover {
		l.note(r.failoverNote(spec.EventFailoverBegun))
	}
	if changed {
		l.note(note{log: r.log, level: slog.LevelInfo, message: "state changed", transition: true, events: []spec.Event{r.stateChanged(from)},
			attrs: []slog.Attr{slog.String("from", string(from)), slog.String("to", string(to)), slog.String("reason", r.reason)}})
	}
	if before.Failover && !after.Failover {
		l.note(r.failoverNote(spec.EventFailoverEnded))
	}
	r.tellOutcome()
}

// announce has the addresses announced again.
func (r *router) announce(l *loop) {
	w := *r.wish.Load()
	w.announce++
	r.wish.Store(&w)
	l.holder.wake()
}

// send sends an advert to the group, or to every peer.
func (r *router) send(l *loop, priority uint8) {
	p := r.machine.Parameters()
	if r.port == nil || !p.Primary.IsValid() {
		return // in fault before there ever was an interface
	}
	packet := Packet{
		Version:         p.Version,
		VirtualRouterID: r.vrid,
		Priority:        priority,
		Interval:        p.Interval,
		Addresses:       r.addresses,
		Authentication:  r.transport.authentication,
	}
	if len(r.transport.peers) == 0 {
		from := r.port
		if r.virtual != nil {
			from = r.virtual
		}
		r.sendTo(l, from.conn, group(r.transport.family), packet)
	}
	for _, peer := range r.transport.peers {
		r.sendTo(l, r.port.conn, peer, packet)
	}
}

func (r *router) sendTo(l *loop, conn Conn, destination netip.Addr, packet Packet) {
	l.out = appendDatagram(l.out[:0], r.machine.Parameters().Primary, destination, r.transport.ttl, packet, r.transport.checksum)
	if err := conn.Send(l.out); err != nil {
		r.unsent.Add(1)
		if r.limit.allow("send", l.now) {
			l.note(note{log: r.log, level: slog.LevelWarn, message: "unable to send an advert", attrs: []slog.Attr{slog.Any("error", err)}})
		}
		return
	}
	r.sent.Add(1)
	if packet.Priority == priorityStop {
		r.lastAdvert.Store(0)
	} else {
		r.lastAdvert.Store(int64(l.now))
	}
}

// publish shows the state to readers. It allocates only when something changed.
func (r *router) publish() (from, to spec.InstanceState, changed bool) {
	next := spec.VRRPInstanceState{
		State:             r.machine.State(),
		EffectivePriority: int(r.machine.Parameters().Priority),
		Failover:          r.machine.Aside(),
	}
	switch next.State {
	case spec.InstanceFault:
		next.Reason = r.reason
	case spec.InstanceBackup:
		next.Reason = r.hold
	}
	switch {
	case r.group == "":
	case r.members > 1:
		next.SyncGroup = spec.SyncGroupComplete
	default:
		next.SyncGroup = spec.SyncGroupIncomplete
	}
	if a := r.machine.ActiveRouter(); a.IsValid() {
		next.ActiveRouter = r.activeRouterName(a)
	}
	old := r.state.Load()
	if old != nil {
		next.Since = old.Since
		if *old == next {
			return old.State, next.State, false
		}
		from = old.State
	}
	changed = old == nil || old.State != next.State
	if changed {
		next.Since = time.Now().Round(0)
	}
	shown := next // allocated here, where something changed, and not at the top for every advert
	r.state.Store(&shown)
	return from, next.State, changed
}

// activeRouterName renders an address, without doing so for every advert.
func (r *router) activeRouterName(a netip.Addr) string {
	if old := r.state.Load(); old != nil && old.ActiveRouter != "" {
		if same, err := netip.ParseAddr(old.ActiveRouter); err == nil && same == a {
			return old.ActiveRouter
		}
	}
	return a.String()
}

// status is for any goroutine.
func (r *router) status() spec.VRRPInstanceStatus {
	return spec.VRRPInstanceStatus{
		VRRPInstanceState: *r.state.Load(),
		AdvertsSent:       r.sent.Load(),
		AdvertsReceived:   r.received.Load(),
		BecameActive:      r.became.Load(),
		Drops:             r.drops.counts(),
		AdvertsUnsent:     r.unsent.Load(),
		Oddities:          r.oddities.counts(),
		Warnings:          r.oddities.warnings(monotonic()),
		AddressesRestored: r.stolen.Load(),
	}
}
