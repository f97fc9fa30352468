package vrrp

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var equalAddrs = cmpopts.EquateComparable(netip.Addr{})

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func samplePacket() Packet {
	return Packet{Version: 3, VirtualRouterID: 51, Priority: 150, Interval: time.Second,
		Addresses: []netip.Addr{addr("192.0.2.100"), addr("192.0.2.7")}}
}

// seal gives a message the checksum of RFC 9568.
func seal(message []byte) []byte {
	binary.BigEndian.PutUint16(message[6:], 0)
	binary.BigEndian.PutUint16(message[6:], ^fold(sum(message)))
	return message
}

// changed returns the sample message with changes and a checksum that is right again.
func changed(change func(b []byte)) []byte {
	b := message(samplePacket())
	change(b)
	return seal(b)
}

// message is what a router with the address 192.0.2.11 multicasts.
func message(p Packet) []byte {
	return p.AppendTo(nil, addr("192.0.2.11"), group(spec.IPv4), ChecksumMessage)
}

// datagramFrom is a multicast advert.
func datagramFrom(source netip.Addr, p Packet) []byte {
	return appendDatagram(nil, source, group(spec.FamilyOf(source)), 255, p, ChecksumMessage)
}

func parse(b []byte) (Packet, Checksum, DropReason) {
	return Parse(b, Version3, addr("192.0.2.11"), group(spec.IPv4))
}

// The vector is written out by hand: 3<<4|1, 51, 150, 2 addresses, 100 centiseconds, and the one's
// complement of 0x3133+0x9602+0x0064+0xc000+0x0264+0xc000+0x0207.
func TestPacket_33_GoldenBytes(t *testing.T) {
	t.Parallel()
	want := "31339602" + "0064b3f9" + "c0000264" + "c0000207"
	if diff := cmp.Diff(want, hex.EncodeToString(message(samplePacket()))); diff != "" {
		t.Error(diff)
	}
	got, checksum, drop := parse(unhex(t, want))
	if drop != accepted || checksum != ChecksumMessage {
		t.Errorf("checksum %d, drop %q", checksum, drop)
	}
	if diff := cmp.Diff(samplePacket(), got, equalAddrs); diff != "" {
		t.Error(diff)
	}
}

func TestPacket_9_PseudoHeaderChecksumIsAcceptedAndToldApart(t *testing.T) {
	t.Parallel()
	b := message(samplePacket())
	src, dst := addr("192.0.2.11").As4(), group(spec.IPv4).As4()
	binary.BigEndian.PutUint16(b[6:], 0)
	binary.BigEndian.PutUint16(b[6:], ^fold(sum(b)+sum(src[:])+sum(dst[:])+Protocol+uint32(len(b))))
	if _, checksum, drop := parse(b); checksum != ChecksumPseudoHeader || drop != accepted {
		t.Errorf("checksum %d, drop %q", checksum, drop)
	}
	if _, _, drop := Parse(b, Version3, addr("192.0.2.12"), group(spec.IPv4)); drop != DropChecksum {
		t.Errorf("from another source: drop %q, want %q", drop, DropChecksum)
	}
}

func TestPacket_Drops(t *testing.T) {
	t.Parallel()
	version := func(v byte) []byte { return changed(func(b []byte) { b[0] = v<<4 | typeAdvertisement }) }
	tests := map[string]struct {
		message []byte
		want    DropReason
	}{
		"3 version 0":                      {version(0), DropVersion},
		"3 version 1":                      {version(1), DropVersion},
		"3 version 2":                      {version(2), DropVersion},
		"3 version 4":                      {version(4), DropVersion},
		"3 version 15":                     {version(15), DropVersion},
		"4 type 0":                         {changed(func(b []byte) { b[0] = 3 << 4 }), DropType},
		"4 type 2":                         {changed(func(b []byte) { b[0] = 3<<4 | 2 }), DropType},
		"5 empty":                          {nil, DropLength},
		"5 count larger than the message":  {changed(func(b []byte) { b[3] = 3 }), DropLength},
		"8 message checksum":               {message(samplePacket()), accepted},
		"17 interval 0":                    {changed(func(b []byte) { b[4], b[5] = 0, 0 }), DropInterval},
		"17 interval 0 with reserved bits": {changed(func(b []byte) { b[4], b[5] = 0xf0, 0 }), DropInterval},
		"18 count 0":                       {changed(func(b []byte) { b[3] = 0 }), DropCount},
		"21 reserved bits":                 {changed(func(b []byte) { b[4] |= 0xf0 }), accepted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, got := parse(test.message); got != test.want {
				t.Errorf("drop %q, want %q", got, test.want)
			}
		})
	}
}

func TestPacket_5_EveryTruncationIsDropped(t *testing.T) {
	t.Parallel()
	whole := message(samplePacket())
	for n := range whole {
		if _, _, drop := parse(seal(append(make([]byte, 0, 8), whole[:max(n, headerLen)]...))[:n]); drop == accepted {
			t.Errorf("%d of %d bytes were accepted", n, len(whole))
		}
	}
}

func TestPacket_8_EveryFlippedBitIsDropped(t *testing.T) {
	t.Parallel()
	whole := message(samplePacket())
	for bit := range len(whole) * 8 {
		b := append([]byte(nil), whole...)
		b[bit/8] ^= 1 << (bit % 8)
		if _, _, drop := parse(b); drop == accepted {
			t.Errorf("accepted with bit %d flipped", bit)
		}
	}
}

func TestPacket_29_IntervalHasTwelveBits(t *testing.T) {
	t.Parallel()
	for _, centiseconds := range []int{1, 100, 4095} {
		p := samplePacket()
		p.Interval = time.Duration(centiseconds) * 10 * time.Millisecond
		b := message(p)
		if got := int(binary.BigEndian.Uint16(b[4:])); got != centiseconds {
			t.Errorf("%d cs are sent as %d", centiseconds, got)
		}
		if got, _, drop := parse(b); drop != accepted || got.Interval != p.Interval {
			t.Errorf("%d cs are read as %s, drop %q", centiseconds, got.Interval, drop)
		}
	}
}

func TestPacket_31_AddressesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	want := []netip.Addr{addr("192.0.2.100"), addr("192.0.2.7"), addr("198.51.100.1")}
	p := samplePacket()
	p.Addresses = want
	got, _, _ := parse(message(p))
	if diff := cmp.Diff(want, got.Addresses, equalAddrs); diff != "" {
		t.Error(diff)
	}
}

func TestDatagram_26_HeaderIsAsTheRFCSays(t *testing.T) {
	t.Parallel()
	b := appendDatagram([]byte("before"), addr("192.0.2.11"), group(spec.IPv4), 255, samplePacket(), 0)[len("before"):]
	// Version and length, class selector 6, total length, no fragment, TTL 255, protocol 112, checksum.
	want := "45c0" + "0024" + "00000000" + "ff70" + "1801" + "c000020b" + "e0000012"
	if diff := cmp.Diff(want[:20], hex.EncodeToString(b[:10])); diff != "" {
		t.Error(diff)
	}
	if fold(sum(b[:ipv4HeaderLen])) != 0xffff {
		t.Errorf("header checksum %x", b[10:12])
	}
	if diff := cmp.Diff(want[24:], hex.EncodeToString(b[12:ipv4HeaderLen])); diff != "" {
		t.Error(diff)
	}
	d, drop := splitDatagram(b)
	if d.source != addr("192.0.2.11") || d.destination != group(spec.IPv4) || d.ttl != 255 || drop != accepted || len(d.message) != headerLen+8 {
		t.Errorf("%+v, drop %q", d, drop)
	}
}

func TestDatagram_Drops(t *testing.T) {
	t.Parallel()
	with := func(change func(b []byte)) []byte {
		b := datagramFrom(addr("192.0.2.11"), samplePacket())
		change(b)
		return b
	}
	tests := map[string]struct {
		datagram []byte
		want     DropReason
	}{
		"22 IPv6 by its version":       {with(func(b []byte) { b[0] = 6<<4 | 5 }), DropIPHeader},
		"neither IPv4 nor IPv6":        {with(func(b []byte) { b[0] = 5<<4 | 5 }), DropIPHeader},
		"another protocol":             {with(func(b []byte) { b[9] = 17 }), DropIPHeader},
		"header shorter than allowed":  {with(func(b []byte) { b[0] = 4<<4 | 4 }), DropIPHeader},
		"header longer than the whole": {with(func(b []byte) { b[0] = 4<<4 | 15 }), DropIPHeader},
		"total length past the buffer": {with(func(b []byte) { b[3]++ }), DropIPHeader},
		"total length within header":   {with(func(b []byte) { b[3] = 19 }), DropIPHeader},
		"nothing":                      {nil, DropIPHeader},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, got := splitDatagram(test.datagram); got != test.want {
				t.Errorf("drop %q, want %q", got, test.want)
			}
		})
	}
}

func TestDatagram_6_PaddingIsNoPartOfTheMessage(t *testing.T) {
	t.Parallel()
	b := datagramFrom(addr("192.0.2.11"), samplePacket())
	d, drop := splitDatagram(append(b, 0xde, 0xad, 0xbe, 0xef))
	if drop != accepted {
		t.Fatalf("drop %q", drop)
	}
	if _, checksum, drop := Parse(d.message, Version3, d.source, d.destination); checksum != ChecksumMessage || drop != accepted {
		t.Errorf("checksum %d, drop %q", checksum, drop)
	}
}

func FuzzPacket_25_NeverPanics(f *testing.F) {
	f.Add(datagramFrom(addr("192.0.2.11"), samplePacket()))
	f.Add(datagramFrom(addr("192.0.2.11"), Packet{Version: 3, VirtualRouterID: 1, Priority: 255, Interval: 10 * time.Millisecond}))
	f.Add([]byte{0x45})
	v2 := Packet{Version: Version2, VirtualRouterID: 1, Priority: 1, Interval: second, Addresses: samplePacket().Addresses, Authentication: passwordAuthentication("s3cret")}
	f.Add(datagramFrom(addr("192.0.2.11"), v2))
	f.Add(datagramFrom(addr("fe80::b"), samplePacket6()))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, drop := splitDatagram(b)
		if drop != accepted {
			return
		}
		for _, version := range []uint8{Version2, Version3} {
			p, checksum, drop := Parse(d.message, version, d.source, d.destination)
			if drop != accepted {
				continue
			}
			// What was accepted can be sent, and is then read as the same.
			again, _, drop := Parse(p.AppendTo(nil, d.source, d.destination, checksum), version, d.source, d.destination)
			if drop != accepted {
				t.Fatalf("%+v sent again is dropped: %q", p, drop)
			}
			if diff := cmp.Diff(p, again, equalAddrs); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
