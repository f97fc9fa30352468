package vrrp

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// receiver is an engine's thread without the thread: one interface with one router in backup.
type receiver struct {
	loop   *loop
	port   *port
	router *router
	notes  chan note

	transport transport
}

func newReceiver() *receiver {
	notes := make(chan note, 1000)
	log := slog.New(slog.DiscardHandler)
	l := &loop{holder: newHolder(newKernel(), newKernel(), newKernel()), notes: newNotes(notes)}
	v := spec.DefaultVRRPInstance()
	v.VirtualRouterID, v.Interface = 51, "eth0"
	r := newRouter("web", v, log, func(*router, error) {}, new(atomic.Int64))
	p := newPort(attachment{"eth0", spec.IPv4}, 2, silence{}, log)
	l.ports, l.routers = []*port{p}, []*router{r}
	made := &receiver{loop: l, port: p, router: r, notes: notes, transport: transportOf(v)}
	made.configure(own(100))
	<-notes // that it became backup
	return made
}

func (r *receiver) configure(p Parameters) {
	r.router.apply(r.loop, 0, input{params: p, port: r.port, transport: r.transport,
		addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24"), netip.MustParsePrefix("192.0.2.7/24")}})
}

// silence is a connection on which nothing comes.
type silence struct{ Conn }

func (silence) Receive([]byte) (int, error) { return 0, nil }

// receive takes in a datagram, and has the machine told.
func (r *receiver) receive(now time.Duration, datagram []byte) {
	r.port.take(r.loop.notes, now, datagram)
	r.loop.now = now
	r.loop.hear()
}

// seen is what can be told from outside about what was received.
type seen struct {
	Accepted uint64
	Drops    map[string]uint64 // of the router
	Others   map[string]uint64 // of the interface
	Oddities map[string]uint64
	Deadline time.Duration
}

func (r *receiver) seen() seen {
	deadline, _ := r.router.machine.Deadline()
	status := r.router.status()
	return seen{status.AdvertsReceived, status.Drops, r.port.drops.counts(), status.Oddities, deadline}
}

func TestPort_WhatBecomesOfADatagram(t *testing.T) {
	t.Parallel()
	const before, after = 3*second + 609375*time.Microsecond, 4*second + 609375*time.Microsecond
	sample := func(change func(*Packet)) []byte {
		p := samplePacket()
		change(&p)
		return datagramFrom(addr("192.0.2.12"), p)
	}
	same := func(*Packet) {}
	patched := func(change func(b []byte)) []byte {
		b := sample(same)
		change(b)
		return b
	}
	count := func(what string) map[string]uint64 { return map[string]uint64{what: 1} }
	tests := map[string]struct {
		datagram []byte
		want     seen
	}{
		"an advert": {sample(same), seen{Accepted: 1, Deadline: after}},
		"1 TTL": {patched(func(b []byte) { b[8] = 254 }),
			seen{Drops: count("ttl"), Deadline: before}},
		"1 TTL of somebody else's": {patched(func(b []byte) { b[8], b[ipv4HeaderLen+1] = 254, 52 }),
			seen{Others: count("ttl"), Deadline: before}},
		"3 version": {patched(func(b []byte) { b[ipv4HeaderLen] = 2<<4 | 1 }),
			seen{Drops: count("version"), Oddities: count("version"), Deadline: before}},
		"7 checksum": {patched(func(b []byte) { b[ipv4HeaderLen+2]++ }),
			seen{Drops: count("checksum"), Deadline: before}},
		"5 too short to say whose": {patched(func(b []byte) { b[3] = ipv4HeaderLen + 1 }),
			seen{Others: count("length"), Deadline: before}},
		"11 another VRID": {sample(func(p *Packet) { p.VirtualRouterID = 52 }),
			seen{Others: count("unknown_vrid"), Deadline: before}},
		"16 another interval": {sample(func(p *Packet) { p.Interval = 2 * second }),
			seen{Accepted: 1, Oddities: count("interval"), Deadline: second + ActiveDownInterval(100, 2*second)}},
		"19 other addresses": {sample(func(p *Packet) { p.Addresses = p.Addresses[:1] }),
			seen{Accepted: 1, Oddities: count("address_list"), Deadline: after}},
		"31 the same in another order": {sample(func(p *Packet) { p.Addresses[0], p.Addresses[1] = p.Addresses[1], p.Addresses[0] }),
			seen{Accepted: 1, Deadline: after}},
		"23 our own": {datagramFrom(own(0).Primary, samplePacket()),
			seen{Drops: count("own"), Deadline: before}},
		"no IPv4": {[]byte{0x60}, seen{Others: count("ip_header"), Deadline: before}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver()
			r.receive(second, test.datagram)
			if diff := cmp.Diff(test.want, r.seen()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPort_11_OtherInterfacesAreOtherRouters(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	elsewhere := newPort(attachment{"eth1", spec.IPv4}, 3, nil, slog.New(slog.DiscardHandler))
	elsewhere.take(r.loop.notes, second, datagramFrom(addr("192.0.2.12"), samplePacket()))
	if got := r.router.status(); got.AdvertsReceived > 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(map[string]uint64{"unknown_vrid": 1}, elsewhere.drops.counts()); diff != "" {
		t.Error(diff)
	}
}

func TestPort_13_AnotherOwnerIsHeardAndReported(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	r.configure(own(255))
	p := samplePacket()
	p.Priority = 255
	r.receive(second, datagramFrom(addr("192.0.2.200"), p))
	if got := r.router.status(); got.AdvertsReceived != 1 || got.Oddities["two_owners"] != 1 {
		t.Errorf("%+v", got)
	}
}

func TestPort_24_DropsAreAllCountedAndSeldomLogged(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	bad := datagramFrom(addr("192.0.2.12"), samplePacket())
	bad[8] = 1
	const datagrams = 10_000 // over ten minutes
	for i := range datagrams {
		r.receive(time.Duration(i)*10*time.Minute/datagrams, bad)
	}
	if diff := cmp.Diff(map[string]uint64{"ttl": datagrams}, r.router.status().Drops); diff != "" {
		t.Error(diff)
	}
	if got := len(r.notes); got != 10 {
		t.Errorf("%d lines in the log, want one a minute", got)
	}
}

// FuzzPort_25 takes in anything and lets the router go on.
func FuzzPort_25(f *testing.F) {
	f.Add(datagramFrom(addr("192.0.2.12"), samplePacket()))
	f.Add([]byte{0x45, 0, 0, 21, 0, 0, 0, 0, 255, 112})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		r := newReceiver()
		r.receive(second, datagram)
		got := r.seen()
		total := got.Accepted
		for _, counts := range []map[string]uint64{got.Drops, got.Others} {
			for _, n := range counts {
				total += n
			}
		}
		if total != 1 {
			t.Errorf("counted %d times: %+v", total, got)
		}
		if r.router.machine.State() != spec.InstanceBackup {
			t.Errorf("now in %s", r.router.machine.State())
		}
	})
}
