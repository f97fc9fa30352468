package vrrp

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// port is one interface and family: a connection, and the routers that listen to it. Two threads read from it:
// the ear, which waits for what comes, and that of the machines, before it acts on silence.
type port struct {
	attachment
	index int
	conn  Conn
	log   *slog.Logger

	// routers are known by VRID to the machines' thread, and as listeners to whoever reads.
	routers   map[uint8]*router
	listeners [256]atomic.Pointer[listener]
	// drops are those that could not be laid to a router.
	drops dropCounts

	// mail says that there are adverts for the machines' thread, and awaited that it waits for the lock. It
	// never blocks on it: whoever has the lock wakes it after that.
	mail, awaited atomic.Bool

	mu     sync.Mutex // held while reading
	in     []byte
	room   []netip.Addr // for the addresses of the advert at hand
	limit  rateLimit
	filled []*listener // those with mail
	news   bool        // some of it changes something
	read   uint64      // datagrams, so far

	// Of the machines' thread: enough is what read has to reach before silence is certain, 0 while nobody is
	// silent, and unheard that it is not.
	enough  uint64
	unheard bool
}

// listener is a router as those who read have to know it. A change makes a new one.
type listener struct {
	router    *router
	own       Parameters
	transport transport
	addresses []netip.Addr
	*hearing
}

// hearing is what goes on from one listener of a router to the next. It belongs to the port's lock.
type hearing struct {
	mailbox mailbox
	last    Advert // that the machines' thread was woken for
	limit   rateLimit
}

func newPort(on attachment, index int, conn Conn, log *slog.Logger) *port {
	return &port{attachment: on, index: index, conn: conn, log: log.With("interface", on.iface),
		routers: map[uint8]*router{}, in: make([]byte, 1<<16), limit: rateLimit{}}
}

const (
	// drainAtMost bounds how many datagrams are read in one go: a flood must keep neither the lock nor the
	// machines' thread.
	drainAtMost = 256
	// socketful is more datagrams than a receive buffer holds: the kernel counts several hundred bytes for
	// each (SKB_TRUESIZE in linux/skbuff.h), and doubles the size of the buffer that it is asked for.
	socketful = 2 * receiveBuffer / 512
)

// listen takes in what waits, as far as drainAtMost goes. It reports whether anything did, and whether the
// machines' thread should look.
func (p *port) listen(ns notes, now time.Duration) (heard, news bool) {
	p.mu.Lock()
	before := p.read
	p.drain(ns, now)
	heard, news = p.read != before, p.news
	p.mu.Unlock()
	return heard, p.awaited.Swap(false) || news
}

// collect appends the mail, oldest first for each router, without waiting for whoever reads. When somebody is
// about to act on silence, it first reads what waits. It reports whether a piece of that is left.
func (p *port) collect(ns notes, now time.Duration, mail []letter) (_ []letter, again bool) {
	silent := p.silent(now)
	if p.unheard = false; !silent {
		p.enough = 0
	}
	if !silent && !p.mail.Load() {
		return mail, false
	}
	p.awaited.Store(true)
	if !p.mu.TryLock() {
		p.unheard = true
		return mail, false
	}
	defer p.mu.Unlock()
	p.awaited.Store(false)
	if silent {
		if p.enough == 0 {
			p.enough = p.read + socketful
		}
		if emptied := p.drain(ns, now); !emptied && p.read < p.enough {
			p.unheard, again = true, true
		}
	}
	for _, to := range p.filled {
		if p.routers[to.router.vrid] == to.router { // it may have left meanwhile
			for _, a := range to.mailbox.adverts[:to.mailbox.n] {
				mail = append(mail, letter{to.router, a})
			}
		}
		to.mailbox.n = 0
	}
	p.filled, p.news = p.filled[:0], false
	p.mail.Store(false)
	return mail, again
}

// letter is an advert on its way to a machine.
type letter struct {
	to     *router
	advert heard
}

// silent reports whether a router of the port is about to act on not having heard anything.
func (p *port) silent(now time.Duration) bool {
	for _, r := range p.routers {
		if r.actsOnSilence(now) {
			return true
		}
	}
	return false
}

// drain takes in what waits, and reports whether nothing does any more. With the lock held.
func (p *port) drain(ns notes, now time.Duration) (emptied bool) {
	for range drainAtMost {
		n, err := p.conn.Receive(p.in)
		if err != nil && p.limit.allow("receive", now) {
			ns.note(note{log: p.log, level: slog.LevelWarn, message: "unable to receive adverts", attrs: []slog.Attr{slog.Any("error", err)}})
		}
		if n == 0 {
			return true
		}
		p.read++
		p.take(ns, now, p.in[:n])
	}
	return false
}

// take handles one datagram.
func (p *port) take(ns notes, now time.Duration, b []byte) {
	d, drop := splitDatagram(b)
	var to *listener
	if len(d.message) >= 2 {
		to = p.listeners[d.message[1]].Load()
	}
	switch {
	case drop == accepted && to != nil:
		drop = p.receive(ns, now, to, d)
	case drop == accepted:
		drop = judgeStranger(d)
	}
	switch {
	case drop == accepted:
	case to != nil:
		to.router.drops.add(drop)
		to.router.oddities.add(oddityOf(drop))
		to.router.oddities.warn(oddityOf(drop), now)
		if to.limit.allow(string(drop), now) {
			n := dropNote(to.router.log, drop, d.source)
			if o := oddityOf(drop); o != "" {
				n.events = []spec.Event{odditySeen(to.router.name, o, d.source)}
			}
			ns.note(n)
		}
	default:
		p.drops.add(drop)
		if p.limit.allow(string(drop), now) {
			ns.note(dropNote(p.log, drop, d.source))
		}
	}
}

// receive checks a datagram with the listener's VRID, and takes the advert if nothing is wrong with it.
func (p *port) receive(ns notes, now time.Duration, to *listener, d datagram) DropReason {
	if drop := to.transport.judgePath(d, to.own.Primary); drop != accepted {
		return drop
	}
	packet, checksum, drop := parseInto(d.message, to.own.Version, d.source, d.destination, p.room)
	if drop != accepted {
		return drop
	}
	p.room = packet.Addresses
	if drop := to.transport.judgePacket(packet, to.own); drop != accepted {
		return drop
	}
	advert := Advert{Source: d.source, Priority: packet.Priority, Interval: packet.Interval}
	empty := to.mailbox.n == 0
	if !to.mailbox.put(heard{advert, now}) {
		return DropBacklog
	}
	if empty {
		p.filled = append(p.filled, to)
		p.mail.Store(true)
	}
	// The next of the adverts that a backup follows only puts off its deadline. There is time to tell it so
	// when that comes.
	if !to.router.following.Load() || advert != to.last {
		to.last, p.news = advert, true
	}
	to.take(ns, now, d.source, packet, checksum)
	return accepted
}

// dropNote is a warning, but for other people's virtual routers: those are none of our business.
func dropNote(log *slog.Logger, drop DropReason, source netip.Addr) note {
	level := slog.LevelWarn
	if drop == DropUnknownVRID {
		level = slog.LevelDebug
	}
	n := note{log: log, level: level, message: "adverts are dropped",
		attrs: []slog.Attr{slog.String("reason", string(drop)), slog.String("source", source.String())}}
	if remedy := oddityOf(drop).remedy(); remedy != "" {
		n.attrs = append(n.attrs, slog.String("remedy", remedy))
	}
	return n
}

// take counts an advert that no check dropped, and says what is odd about it.
func (to *listener) take(ns notes, now time.Duration, source netip.Addr, p Packet, checksum Checksum) {
	to.router.received.Add(1)
	if checksum == ChecksumPseudoHeader && source.Is4() {
		level := slog.LevelWarn
		if to.transport.checksum == ChecksumPseudoHeader {
			level = slog.LevelDebug // we send the same
		}
		to.odd(ns, now, OddChecksum, source, level)
	}
	if !sameSet(p.Addresses, to.addresses) {
		to.odd(ns, now, OddAddresses, source, slog.LevelWarn)
	}
	if p.Interval != to.own.Interval {
		to.odd(ns, now, OddInterval, source, slog.LevelWarn)
	}
	if p.Priority == priorityOwner && to.own.Priority == priorityOwner {
		to.odd(ns, now, OddOwner, source, slog.LevelWarn)
	}
}

func (to *listener) odd(ns notes, now time.Duration, o Oddity, source netip.Addr, level slog.Level) {
	to.router.oddities.add(o)
	if level >= slog.LevelWarn {
		to.router.oddities.warn(o, now)
	}
	if to.limit.allow(string(o), now) {
		n := note{log: to.router.log, level: level, message: "another router's adverts do not match",
			attrs: []slog.Attr{slog.String("oddity", string(o)), slog.String("source", source.String()), slog.String("remedy", o.remedy())}}
		if level >= slog.LevelWarn {
			n.events = []spec.Event{odditySeen(to.router.name, o, source)}
		}
		ns.note(n)
	}
}

// sameSet compares address lists whose order may differ.
func sameSet(a, b []netip.Addr) bool {
	if slices.Equal(a, b) {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}
