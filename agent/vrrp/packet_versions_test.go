package vrrp

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func samplePacket2() Packet {
	p := samplePacket()
	p.Version = Version2
	return p
}

func samplePacket6() Packet {
	p := samplePacket()
	p.Addresses = []netip.Addr{addr("fe80::51"), addr("2001:db8::100")}
	return p
}

// sum16 adds 16-bit words with carries, written apart from the code that is tested.
func sum16(words ...uint16) uint16 {
	total := 0
	for _, w := range words {
		if total += int(w); total > 0xffff {
			total -= 0xffff
		}
	}
	return uint16(total)
}

func words16(b []byte) (all []uint16) {
	for ; len(b) > 1; b = b[2:] {
		all = append(all, binary.BigEndian.Uint16(b))
	}
	return all
}

func TestPacket_33_GoldenBytesOfEveryVersionAndFamily(t *testing.T) {
	t.Parallel()
	four, six := addr("192.0.2.11"), addr("fe80::b")
	password := samplePacket2()
	password.Authentication = passwordAuthentication("s3cret")
	for name, test := range map[string]struct {
		packet   Packet
		source   netip.Addr
		checksum Checksum
		want     string
	}{
		"version 3, IPv4, RFC 9568": {samplePacket(), four, ChecksumMessage, "31339602" + "0064b3f9" + "c0000264" + "c0000207"},
		// The pseudo-header adds 0xc000+0x020b+0xe000+0x0012+112+16 to what the complement is of.
		"version 3, IPv4, RFC 5798": {samplePacket(), four, ChecksumPseudoHeader, "31339602" + "0064115b" + "c0000264" + "c0000207"},
		"version 2":                 {samplePacket2(), four, ChecksumMessage, "21339602" + "0001c45c" + "c0000264" + "c0000207" + "0000000000000000"},
		"version 2 has one checksum": {samplePacket2(), four, ChecksumPseudoHeader,
			"21339602" + "0001c45c" + "c0000264" + "c0000207" + "0000000000000000"},
		"version 2 with a password": {password, four, ChecksumMessage, "21339602" + "01018742" + "c0000264" + "c0000207" + "7333637265740000"},
		"version 3, IPv6": {samplePacket6(), six, ChecksumMessage, "31339602" + "0064" + "0ca2" +
			"fe800000000000000000000000000051" + "20010db8000000000000000000000100"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := group(spec.FamilyOf(test.source))
			got := test.packet.AppendTo(nil, test.source, all, test.checksum)
			if diff := cmp.Diff(test.want, hex.EncodeToString(got)); diff != "" {
				t.Error(diff)
			}
			covered := words16(got)
			if all.Is6() || test.packet.Version == Version3 && test.checksum == ChecksumPseudoHeader {
				covered = append(covered, words16(test.source.AsSlice())...)
				covered = append(covered, words16(all.AsSlice())...)
				covered = append(covered, Protocol, uint16(len(got)))
			}
			if s := sum16(covered...); s != 0xffff {
				t.Errorf("all words with the checksum add up to %#x", s)
			}
			read, _, drop := Parse(got, test.packet.Version, test.source, all)
			if drop != accepted {
				t.Fatalf("drop %q", drop)
			}
			if diff := cmp.Diff(test.packet, read, equalAddrs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPacket_30_Version2EndsWithAuthenticationData(t *testing.T) {
	t.Parallel()
	whole := message(samplePacket2())
	if want := headerLen + 2*4 + 8; len(whole) != want {
		t.Fatalf("%d bytes, want %d", len(whole), want)
	}
	if diff := cmp.Diff(make([]byte, 8), whole[len(whole)-8:]); diff != "" {
		t.Error(diff)
	}
	whole[len(whole)-1] = 1 // it is covered by the checksum
	if _, _, drop := Parse(whole, Version2, addr("192.0.2.11"), group(spec.IPv4)); drop != DropChecksum {
		t.Errorf("drop %q", drop)
	}
}

func TestPacket_5_EveryTruncationOfEveryVersionIsDropped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		packet Packet
		source netip.Addr
	}{
		"version 2": {samplePacket2(), addr("192.0.2.11")},
		"IPv6":      {samplePacket6(), addr("fe80::b")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := group(spec.FamilyOf(test.source))
			whole := test.packet.AppendTo(nil, test.source, all, ChecksumMessage)
			for n := range whole {
				if _, _, drop := Parse(whole[:n], test.packet.Version, test.source, all); drop != DropLength {
					t.Errorf("%d of %d bytes: drop %q", n, len(whole), drop)
				}
			}
		})
	}
}

func TestPacket_7_EveryFlippedBitOfVersion2IsDropped(t *testing.T) {
	t.Parallel()
	whole := message(samplePacket2())
	for bit := range len(whole) * 8 {
		b := append([]byte(nil), whole...)
		b[bit/8] ^= 1 << (bit % 8)
		if _, _, drop := Parse(b, Version2, addr("192.0.2.11"), group(spec.IPv4)); drop == accepted {
			t.Errorf("accepted with bit %d flipped", bit)
		}
	}
}

func TestPacket_7_Version2HasNoPseudoHeader(t *testing.T) {
	t.Parallel()
	b := message(samplePacket2())
	binary.BigEndian.PutUint16(b[6:], 0)
	binary.BigEndian.PutUint16(b[6:], ^fold(sum(b)+pseudoHeader(len(b), addr("192.0.2.11"), group(spec.IPv4))))
	if _, _, drop := Parse(b, Version2, addr("192.0.2.11"), group(spec.IPv4)); drop != DropChecksum {
		t.Errorf("drop %q", drop)
	}
}

func TestPacket_10_IPv6NeedsThePseudoHeader(t *testing.T) {
	t.Parallel()
	source, all := addr("fe80::b"), group(spec.IPv6)
	b := samplePacket6().AppendTo(nil, source, all, ChecksumMessage)
	if _, checksum, drop := Parse(b, Version3, source, all); checksum != ChecksumPseudoHeader || drop != accepted {
		t.Errorf("checksum %d, drop %q", checksum, drop)
	}
	if _, _, drop := Parse(b, Version3, addr("fe80::c"), all); drop != DropChecksum {
		t.Errorf("from another source: drop %q", drop)
	}
	if _, _, drop := Parse(seal(b), Version3, source, all); drop != DropChecksum {
		t.Errorf("over the message alone: drop %q", drop)
	}
}

func TestPacket_20_FirstIPv6AddressIsLinkLocal(t *testing.T) {
	t.Parallel()
	source, all := addr("fe80::b"), group(spec.IPv6)
	for first, want := range map[string]DropReason{"fe80::51": accepted, "febf::51": accepted, "fec0::51": DropAddress, "2001:db8::51": DropAddress} {
		p := samplePacket6()
		p.Addresses[0] = addr(first)
		if _, _, drop := Parse(p.AppendTo(nil, source, all, 0), Version3, source, all); drop != want {
			t.Errorf("%s: drop %q, want %q", first, drop, want)
		}
	}
}

func TestPacket_3_VersionIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	source, all := addr("192.0.2.11"), group(spec.IPv4)
	if _, _, drop := Parse(message(samplePacket2()), Version3, source, all); drop != DropVersion {
		t.Errorf("version 2 for 3: drop %q", drop)
	}
	if _, _, drop := Parse(message(samplePacket()), Version2, source, all); drop != DropVersion {
		t.Errorf("version 3 for 2: drop %q", drop)
	}
}

func TestPacket_15_IntervalOfVersion2IsInSeconds(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{time.Second, 100 * time.Second, 255 * time.Second} {
		p := samplePacket2()
		p.Interval = interval
		b := message(p)
		if got := time.Duration(b[5]) * time.Second; got != interval {
			t.Errorf("%s is sent as %s", interval, got)
		}
		if got, _, drop := Parse(b, Version2, addr("192.0.2.11"), group(spec.IPv4)); drop != accepted || got.Interval != interval {
			t.Errorf("%s is read as %s, drop %q", interval, got.Interval, drop)
		}
	}
}

func TestDatagram_26_IPv6HeaderIsAsTheRFCSays(t *testing.T) {
	t.Parallel()
	b := datagramFrom(addr("fe80::b"), samplePacket6())
	// Version and traffic class, payload length, next header 112, hop limit 255, link-local source, ff02::12.
	want := "6c000000" + "0028" + "70" + "ff" + "fe80000000000000000000000000000b" + "ff020000000000000000000000000012"
	if diff := cmp.Diff(want, hex.EncodeToString(b[:ipv6HeaderLen])); diff != "" {
		t.Error(diff)
	}
	d, drop := splitDatagram(append(b, 0xde, 0xad))
	if d.source != addr("fe80::b") || d.destination != addr("ff02::12") || d.ttl != 255 || drop != accepted || len(d.message) != headerLen+32 {
		t.Errorf("%+v, drop %q", d, drop)
	}
}
