package vrrp

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// wired is a receiver for an instance like the sample packet's, changed, whose own address is source.
func wired(source string, change func(*spec.VRRPInstance)) *receiver {
	v := spec.DefaultVRRPInstance()
	v.VirtualRouterID, v.Interface = 51, "eth0"
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24"), netip.MustParsePrefix("192.0.2.7/24")}
	change(&v)
	notes, log := make(chan note, 1000), slog.New(slog.DiscardHandler)
	l := &loop{holder: newHolder(newKernel(), newKernel(), newKernel()), notes: newNotes(notes)}
	r := newRouter("web", v, log, func(*router, error) {}, new(atomic.Int64))
	p := newPort(attachment{"eth0", v.Family()}, 2, &outbox{}, log)
	r.apply(l, 0, input{port: p, transport: transportOf(v), addresses: v.VirtualAddresses, params: Parameters{
		Version: uint8(v.Version), Primary: addr(source), Priority: uint8(v.Priority), Interval: v.AdvertisementInterval.Std(), Preempt: true,
	}})
	return &receiver{loop: l, port: p, router: r, notes: notes}
}

// outbox is a Conn that keeps what is sent.
type outbox struct{ sent [][]byte }

func (*outbox) FD() int                     { return -1 }
func (*outbox) Receive([]byte) (int, error) { return 0, unix.EBADF }
func (*outbox) Close() error                { return nil }
func (o *outbox) Send(b []byte) error       { o.sent = append(o.sent, append([]byte(nil), b...)); return nil }

func version2(v *spec.VRRPInstance) { v.Version = spec.VRRPv2 }

func secured(v *spec.VRRPInstance) { v.Version, v.AuthPass = spec.VRRPv2, "s3cret" }

func inIPv6(v *spec.VRRPInstance) {
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("fe80::51/64"), netip.MustParsePrefix("2001:db8::100/64")}
}

func toPeers(v *spec.VRRPInstance) {
	v.UnicastSource, v.UnicastPeers = addr("192.0.2.11"), []netip.Addr{addr("192.0.2.12"), addr("192.0.2.13")}
}

func TestTransport_WhatBecomesOfADatagram(t *testing.T) {
	t.Parallel()
	v2 := func(change func(*Packet)) Packet { p := samplePacket2(); change(&p); return p }
	pass := func(kind AuthenticationType, data string) Packet {
		return v2(func(p *Packet) { p.Authentication.Type = kind; copy(p.Authentication.Data[:], data) })
	}
	multicast := func(p Packet) []byte { return datagramFrom(addr("192.0.2.12"), p) }
	patched := func(b []byte, at int, value byte) []byte { b[at] = value; return b }
	sent := func(source, destination string, ttl uint8, p Packet) []byte {
		return appendDatagram(nil, addr(source), addr(destination), ttl, p, 0)
	}
	for name, test := range map[string]struct {
		instance func(*spec.VRRPInstance)
		datagram []byte
		want     DropReason
	}{
		"3 version 3 for 2":                {version2, multicast(samplePacket()), DropVersion},
		"3 version 2 for 3":                {func(*spec.VRRPInstance) {}, multicast(samplePacket2()), DropVersion},
		"7 version 2":                      {version2, multicast(samplePacket2()), accepted},
		"13 version 2, and we are owner":   {func(v *spec.VRRPInstance) { v.Version, v.Priority = 2, 255 }, multicast(samplePacket2()), DropOwner},
		"14 password for none":             {version2, multicast(pass(1, "s3cret")), DropAuthentication},
		"14 unknown type for none":         {version2, multicast(pass(7, "")), DropAuthentication},
		"14 AH for none":                   {version2, multicast(pass(2, "")), DropAuthentication},
		"14 data without type is ignored":  {version2, multicast(pass(0, "whatever")), accepted},
		"14 the password":                  {secured, multicast(pass(1, "s3cret")), accepted},
		"14 another password":              {secured, multicast(pass(1, "S3cret")), DropAuthentication},
		"14 a longer password":             {secured, multicast(pass(1, "s3cret!")), DropAuthentication},
		"14 the password without its type": {secured, multicast(pass(0, "s3cret")), DropAuthentication},
		"14 none for a password":           {secured, multicast(samplePacket2()), DropAuthentication},
		"15 another interval":              {version2, multicast(v2(func(p *Packet) { p.Interval = 2 * second })), DropInterval},
		"19 other addresses in version 2":  {version2, multicast(v2(func(p *Packet) { p.Addresses = p.Addresses[:1] })), accepted},

		"10 IPv6":                  {inIPv6, datagramFrom(addr("fe80::c"), samplePacket6()), accepted},
		"10 IPv6, message alone":   {inIPv6, sealed6(datagramFrom(addr("fe80::c"), samplePacket6())), DropChecksum},
		"2 IPv6, hop limit 254":    {inIPv6, patched(datagramFrom(addr("fe80::c"), samplePacket6()), 7, 254), DropTTL},
		"2 IPv6, hop limit 0":      {inIPv6, patched(datagramFrom(addr("fe80::c"), samplePacket6()), 7, 0), DropTTL},
		"26 IPv6, to all nodes":    {inIPv6, sent("fe80::c", "ff02::1", 255, samplePacket6()), DropDestination},
		"23 IPv6, our own":         {inIPv6, datagramFrom(addr("fe80::7f"), samplePacket6()), DropOwn},
		"20 IPv6, first is global": {inIPv6, datagramFrom(addr("fe80::c"), Packet{Version: 3, VirtualRouterID: 51, Priority: 1, Interval: second, Addresses: []netip.Addr{addr("2001:db8::100")}}), DropAddress},

		"26 unicast for multicast":       {func(*spec.VRRPInstance) {}, sent("192.0.2.12", "192.0.2.11", 255, samplePacket()), DropDestination},
		"26 multicast for unicast":       {toPeers, multicast(samplePacket()), DropDestination},
		"26 unicast":                     {toPeers, sent("192.0.2.13", "192.0.2.11", 255, samplePacket()), accepted},
		"26 unicast to somebody else":    {toPeers, sent("192.0.2.12", "192.0.2.13", 255, samplePacket()), DropDestination},
		"26 unicast from a stranger":     {toPeers, sent("192.0.2.14", "192.0.2.11", 255, samplePacket()), DropPeer},
		"1 unicast from behind a router": {toPeers, sent("192.0.2.12", "192.0.2.11", 254, samplePacket()), DropTTL},
		"1 unicast over one router, as told": {func(v *spec.VRRPInstance) { toPeers(v); v.UnicastMinimumTTL = 254 },
			sent("192.0.2.12", "192.0.2.11", 254, samplePacket()), accepted},
		"1 unicast over two routers": {func(v *spec.VRRPInstance) { toPeers(v); v.UnicastMinimumTTL = 254 },
			sent("192.0.2.12", "192.0.2.11", 253, samplePacket()), DropTTL},
		"9 unicast with pseudo-header": {toPeers,
			appendDatagram(nil, addr("192.0.2.12"), addr("192.0.2.11"), 255, samplePacket(), ChecksumPseudoHeader), accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := "192.0.2.11"
			if test.datagram[0]>>4 == 6 {
				own = "fe80::7f"
			}
			r := wired(own, test.instance)
			r.receive(time.Millisecond, test.datagram)
			want := seen{Accepted: 1}
			if test.want != accepted {
				want = seen{Drops: map[string]uint64{string(test.want): 1}}
			}
			got := r.seen()
			got.Deadline, got.Oddities = 0, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// sealed6 gives an IPv6 advert the checksum of its message alone.
func sealed6(b []byte) []byte {
	seal(b[ipv6HeaderLen:])
	return b
}

func TestTransport_32_WhatIsSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		own      string
		instance func(*spec.VRRPInstance)
		want     []string
		ttl      uint8
		checksum Checksum
	}{
		"multicast":                 {"192.0.2.11", func(*spec.VRRPInstance) {}, []string{"224.0.0.18"}, 255, ChecksumMessage},
		"multicast is never routed": {"192.0.2.11", func(v *spec.VRRPInstance) { v.UnicastTTL = 64 }, []string{"224.0.0.18"}, 255, ChecksumMessage},
		"as RFC 5798 was read": {"192.0.2.11", func(v *spec.VRRPInstance) { v.ChecksumCompatibility = spec.ChecksumRFC5798 },
			[]string{"224.0.0.18"}, 255, ChecksumPseudoHeader},
		"version 2": {"192.0.2.11", secured, []string{"224.0.0.18"}, 255, ChecksumMessage},
		"IPv6":      {"fe80::b", inIPv6, []string{"ff02::12"}, 255, ChecksumPseudoHeader},
		"unicast":   {"192.0.2.11", toPeers, []string{"192.0.2.12", "192.0.2.13"}, 255, ChecksumMessage},
		"unicast with another TTL": {"192.0.2.11", func(v *spec.VRRPInstance) { toPeers(v); v.UnicastTTL = 64 },
			[]string{"192.0.2.12", "192.0.2.13"}, 64, ChecksumMessage},
		"unicast as RFC 5798 was read": {"192.0.2.11", func(v *spec.VRRPInstance) { toPeers(v); v.ChecksumCompatibility = spec.ChecksumRFC5798 },
			[]string{"192.0.2.12", "192.0.2.13"}, 255, ChecksumPseudoHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := wired(test.own, test.instance)
			r.router.send(r.loop, 100)
			out := r.port.conn.(*outbox)
			var got []string
			for _, b := range out.sent {
				d, drop := splitDatagram(b)
				if drop != accepted || d.ttl != test.ttl || d.source != addr(test.own) {
					t.Errorf("%+v, drop %q", d, drop)
				}
				got = append(got, d.destination.String())
				p, checksum, drop := Parse(d.message, r.router.machine.Parameters().Version, d.source, d.destination)
				if drop != accepted || checksum != test.checksum || !r.router.transport.authentication.matches(p.Authentication) {
					t.Errorf("%+v with checksum %d, drop %q", p, checksum, drop)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
