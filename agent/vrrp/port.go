package vrrp

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// port is one interface and family on the engine's thread: a connection, and the routers that listen to
// it.
type port struct {
	attachment
	index int
	conn  Conn
	log   *slog.Logger

	routers map[uint8]*router // by VRID
	limit   rateLimit
	// drops are those that could not be laid to a router.
	drops dropCounts
}

func newPort(on attachment, index int, conn Conn, log *slog.Logger) *port {
	return &port{attachment: on, index: index, conn: conn, log: log.With("interface", on.iface),
		routers: map[uint8]*router{}, limit: rateLimit{}}
}

// drainAtMost bounds how many datagrams are read before timers are looked at: a flood must not keep an
// active router from sending.
const drainAtMost = 512

// drain takes in what waits, and reports whether anything did.
func (p *port) drain(l *loop) (heard bool) {
	for range drainAtMost {
		n, err := p.conn.Receive(l.in)
		if err != nil {
			if p.limit.allow("receive", l.now) {
				l.note(note{log: p.log, level: slog.LevelWarn, message: "unable to receive adverts", attrs: []slog.Attr{slog.Any("error", err)}})
			}
			return heard
		}
		if n == 0 {
			return heard
		}
		heard = true
		p.take(l, l.in[:n])
	}
	return heard
}

// take handles one datagram.
func (p *port) take(l *loop, b []byte) {
	d, drop := splitDatagram(b)
	var r *router
	if len(d.message) >= 2 {
		r = p.routers[d.message[1]]
	}
	switch {
	case drop == accepted && r != nil:
		drop = r.receive(l, d)
	case drop == accepted:
		drop = judgeStranger(d)
	}
	switch {
	case drop == accepted:
	case r != nil:
		r.drops.add(drop)
		r.oddities.add(oddityOf(drop))
		r.oddities.warn(oddityOf(drop), l.now)
		if r.limit.allow(string(drop), l.now) {
			l.note(dropNote(r.log, drop, d.source))
		}
	default:
		p.drops.add(drop)
		if p.limit.allow(string(drop), l.now) {
			l.note(dropNote(p.log, drop, d.source))
		}
	}
}

// receive checks a datagram with the router's VRID, and takes the advert if nothing is wrong with it.
func (r *router) receive(l *loop, d datagram) DropReason {
	own := r.machine.Parameters()
	if drop := r.transport.judgePath(d, own.Primary); drop != accepted {
		return drop
	}
	packet, checksum, drop := parseInto(d.message, own.Version, d.source, d.destination, l.room)
	if drop != accepted {
		return drop
	}
	l.room = packet.Addresses
	if drop := r.transport.judgePacket(packet, own); drop != accepted {
		return drop
	}
	r.take(l, d.source, packet, checksum)
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

// take handles an advert for this router that no check dropped.
func (r *router) take(l *loop, source netip.Addr, p Packet, checksum Checksum) {
	r.received.Add(1)
	own := r.machine.Parameters()
	if checksum == ChecksumPseudoHeader && source.Is4() {
		level := slog.LevelWarn
		if r.transport.checksum == ChecksumPseudoHeader {
			level = slog.LevelDebug // we send the same
		}
		r.odd(l, OddChecksum, source, level)
	}
	if !sameSet(p.Addresses, r.addresses) {
		r.odd(l, OddAddresses, source, slog.LevelWarn)
	}
	if p.Interval != own.Interval {
		r.odd(l, OddInterval, source, slog.LevelWarn)
	}
	if p.Priority == priorityOwner && own.Priority == priorityOwner {
		r.odd(l, OddOwner, source, slog.LevelWarn)
	}
	r.step(l, l.now, Advert{Source: source, Priority: p.Priority, Interval: p.Interval})
}

func (r *router) odd(l *loop, o Oddity, source netip.Addr, level slog.Level) {
	r.oddities.add(o)
	if level >= slog.LevelWarn {
		r.oddities.warn(o, l.now)
	}
	if r.limit.allow(string(o), l.now) {
		l.note(note{log: r.log, level: level, message: "another router's adverts do not match",
			attrs: []slog.Attr{slog.String("oddity", string(o)), slog.String("source", source.String()), slog.String("remedy", o.remedy())}})
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

// due reports whether a router of the port has a deadline that has come.
func (p *port) due(now time.Duration) bool {
	for _, r := range p.routers {
		if deadline, pending := r.machine.Deadline(); pending && deadline <= now {
			return true
		}
	}
	return false
}
