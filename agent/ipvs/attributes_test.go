package ipvs

import (
	"errors"
	"math"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// message returns what follows the netlink header of a message with these attributes, as the kernel
// answers.
func message(attributes func(*encoder)) []byte {
	var r request
	r.add(1, 0, 1, 1, attributes)
	return r.bytes[unix.NLMSG_HDRLEN:]
}

func destinationMessage(server netip.AddrPort, d Destination) []byte {
	return message(Op{Action: AddDestination, Service: MarkKey(1, IPv4), Server: server, Destination: d}.encode)
}

func serviceMessage(key ServiceKey, inside func(*encoder)) []byte {
	return message(func(e *encoder) {
		e.nested(attrService, func() {
			e.key(key)
			inside(e)
		})
	})
}

func TestDestinationIsDecodedAsEncoded(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]Destination{
		"192.0.2.21:80":      {Forwarding: DirectRouting, Weight: 70000},
		"192.0.2.22:0":       {Forwarding: Tunnel, Weight: 1},
		"192.0.2.23:80":      {Forwarding: Tunnel, Tunnel: TunnelOptions{Type: GUE, Port: 6080, Checksum: RemoteChecksum}},
		"192.0.2.24:80":      {Forwarding: Tunnel, Tunnel: TunnelOptions{Type: GRE, Checksum: Checksum}},
		"[2001:db8::1]:8080": {Forwarding: Tunnel, Weight: math.MaxInt32, UpperThreshold: 10, LowerThreshold: 5},
	} {
		server := netip.MustParseAddrPort(address)
		gotServer, got, _, err := decodeDestination(destinationMessage(server, want), IPv4)
		if err != nil || gotServer != server {
			t.Errorf("%s is decoded as %s, %v", server, gotServer, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", server, diff)
		}
	}
}

func TestServiceIsDecodedAsEncoded(t *testing.T) {
	t.Parallel()
	for _, key := range []ServiceKey{
		AddressKey(TCP, netip.MustParseAddrPort("192.0.2.100:80")),
		AddressKey(SCTP, netip.MustParseAddrPort("[2001:db8::1]:80")),
		MarkKey(5, IPv4),
		MarkKey(math.MaxUint32, IPv6),
	} {
		for _, want := range []Options{
			{Scheduler: "wrr", Flags: OnePacket, Persistence: Persistence{Timeout: 30, PrefixLength: 24, Engine: "sip"}},
			{Scheduler: "mh", Flags: SchedulerF1 | SchedulerF2},
		} {
			gotKey, got, _, err := decodeService(serviceMessage(key, func(e *encoder) { e.options(want, key.Family()) }))
			if err != nil || gotKey != key {
				t.Errorf("%s is decoded as %s, %v", key, gotKey, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", key, diff)
			}
		}
	}
}

// Without persistence the kernel keeps a timeout and a mask all the same, whatever was last set, and it
// has flags that say nothing to anybody.
func TestWhatIsNobodysIsNoDifference(t *testing.T) {
	t.Parallel()
	const hashed = 0x0002
	_, got, _, err := decodeService(serviceMessage(MarkKey(5, IPv4), func(e *encoder) {
		e.text(serviceScheduler, "rr")
		e.uint32(serviceFlags, hashed)
		e.uint32(serviceTimeout, 30)
		e.uint32(serviceNetmask, 0xffffffff)
	}))
	if diff := cmp.Diff(Options{Scheduler: "rr"}, got); diff != "" || err != nil {
		t.Errorf("error %v, options (-want +got):\n%s", err, diff)
	}
}

// Numbers of 64 bits are read where the kernel has them, and the old ones elsewhere.
func TestTrafficIsReadAsWideAsItIs(t *testing.T) {
	t.Parallel()
	wide := func(e *encoder) {
		e.nested(destinationStats64, func() {
			for kind := range uint16(10) {
				e.bytes(kind+1, byte(kind+1), 0, 0, 0, 1, 0, 0, 0)
			}
		})
	}
	narrow := func(e *encoder) {
		e.nested(destinationStats, func() {
			for kind := range uint16(10) {
				if kind+1 == 4 || kind+1 == 5 { // bytes have 64 bits in either
					e.bytes(kind+1, byte(kind+1), 0, 0, 0, 1, 0, 0, 0)
					continue
				}
				e.uint32(kind+1, uint32(kind+1))
			}
		})
	}
	const high = 1 << 32
	old := Traffic{
		Total:     Counts{Connections: 1, IncomingPackets: 2, OutgoingPackets: 3, IncomingBytes: high + 4, OutgoingBytes: high + 5},
		PerSecond: Counts{Connections: 6, IncomingPackets: 7, OutgoingPackets: 8, IncomingBytes: 9, OutgoingBytes: 10},
	}
	full := Traffic{
		Total: Counts{
			Connections: high + 1, IncomingPackets: high + 2, OutgoingPackets: high + 3, IncomingBytes: high + 4, OutgoingBytes: high + 5,
		},
		PerSecond: Counts{
			Connections: high + 6, IncomingPackets: high + 7, OutgoingPackets: high + 8, IncomingBytes: high + 9, OutgoingBytes: high + 10,
		},
	}
	server := netip.MustParseAddrPort("192.0.2.21:80")
	for name, test := range map[string]struct {
		counters []func(*encoder)
		want     Traffic
	}{
		"both":    {[]func(*encoder){narrow, wide}, full},
		"old":     {[]func(*encoder){narrow}, old},
		"neither": {nil, Traffic{}},
	} {
		_, _, got, err := decodeDestination(message(func(e *encoder) {
			e.nested(attrDestination, func() {
				e.server(server)
				e.uint32(destinationActive, 3)
				e.uint32(destinationInactive, 4)
				e.uint32(destinationPersistent, 5)
				for _, add := range test.counters {
					add(e)
				}
			})
		}), IPv4)
		want := DestinationStats{Connections: Connections{Active: 3, Inactive: 4, Persistent: 5}, Traffic: test.want}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v, statistics (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestMessageCutShortIsAnError(t *testing.T) {
	t.Parallel()
	server := netip.MustParseAddrPort("192.0.2.21:80")
	whole := destinationMessage(server, Destination{Weight: 1})
	for _, n := range []int{0, 3, headerLength, headerLength + 3} {
		if got, _, _, err := decodeDestination(whole[:n], IPv4); err == nil {
			t.Errorf("%d bytes are decoded as %s", n, got)
		}
	}
	short := message(func(e *encoder) {
		e.nested(attrDestination, func() {
			e.uint16(destinationFamily, uint16(IPv6))
			e.address(destinationAddress, server.Addr())
		})
	})
	if got, _, _, err := decodeDestination(short, IPv6); err == nil {
		t.Errorf("an IPv6 address of four bytes is decoded as %s", got)
	}
	if v, err := decodeInfo(nil); !errors.Is(err, errShort) {
		t.Errorf("nothing is decoded as version %q, %v", v, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(destinationMessage(netip.MustParseAddrPort("192.0.2.21:80"), Destination{Weight: 1}))
	f.Add(destinationMessage(netip.MustParseAddrPort("192.0.2.21:80"), Destination{Forwarding: Tunnel, Tunnel: TunnelOptions{Type: GUE, Port: 1}}))
	f.Add(serviceMessage(AddressKey(TCP, netip.MustParseAddrPort("[2001:db8::1]:80")), func(*encoder) {}))
	f.Add(serviceMessage(MarkKey(5, IPv4), func(*encoder) {}))
	f.Add(append(make([]byte, headerLength), 5, 0, 1, 0, 9)) // ends before its padding
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, _, _, err := decodeService(data); err == nil && key.FirewallMark == 0 && !key.Address.Addr().IsValid() {
			t.Errorf("service %+v has no address", key)
		}
		if server, d, _, err := decodeDestination(data, IPv6); err == nil {
			again, same, _, err := decodeDestination(destinationMessage(server, d), IPv6)
			if err != nil || again != server || same != d {
				t.Errorf("%s %+v is decoded again as %s %+v, %v", server, d, again, same, err)
			}
		}
		_, _ = decodeInfo(data)
	})
}
