package ipvs

import (
	"errors"
	"math"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink/nl"
)

// message puts an attribute behind a generic netlink header, as the kernel answers.
func message(a *nl.RtAttr) []byte {
	return append((&nl.Genlmsg{Command: 1, Version: 1}).Serialize(), a.Serialize()...)
}

func TestDestinationIsDecodedAsEncoded(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]Destination{
		"192.0.2.21:80":      {Forwarding: DirectRouting, Weight: 70000},
		"[2001:db8::1]:8080": {Forwarding: Tunnel, Weight: math.MaxInt32, UpperThreshold: 10, LowerThreshold: 5},
	} {
		server := netip.MustParseAddrPort(address)
		gotServer, got, _, err := decodeDestination(message(destinationAttribute(server, want)), IPv4)
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
		want := Options{Scheduler: "wrr", Flags: OnePacket, Persistence: Persistence{Timeout: 30, PrefixLength: 24, Engine: "sip"}}
		a := keyAttribute(key)
		a.AddRtAttr(serviceScheduler, nl.ZeroTerminated(want.Scheduler))
		a.AddRtAttr(serviceEngine, nl.ZeroTerminated(want.Persistence.Engine))
		const hashed = 0x0002
		a.AddRtAttr(serviceFlags, nl.Uint32Attr(uint32(want.Flags)|hashed|flagPersistent))
		a.AddRtAttr(serviceTimeout, nl.Uint32Attr(want.Persistence.Timeout))
		a.AddRtAttr(serviceNetmask, nl.Uint32Attr(netmask(want.Persistence, key.Family())))
		gotKey, got, err := decodeService(message(a))
		if err != nil || gotKey != key {
			t.Errorf("%s is decoded as %s, %v", key, gotKey, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

// Without persistence the kernel keeps a timeout and a mask all the same, whatever was last set.
func TestMaskWithoutPersistenceIsNoDifference(t *testing.T) {
	t.Parallel()
	a := keyAttribute(MarkKey(5, IPv4))
	a.AddRtAttr(serviceScheduler, nl.ZeroTerminated("rr"))
	a.AddRtAttr(serviceTimeout, nl.Uint32Attr(30))
	a.AddRtAttr(serviceNetmask, nl.Uint32Attr(0xffffffff))
	_, got, err := decodeService(message(a))
	if diff := cmp.Diff(Options{Scheduler: "rr"}, got); diff != "" || err != nil {
		t.Errorf("error %v, options (-want +got):\n%s", err, diff)
	}
}

func TestMessageCutShortIsAnError(t *testing.T) {
	t.Parallel()
	server := netip.MustParseAddrPort("192.0.2.21:80")
	whole := message(destinationAttribute(server, Destination{Weight: 1}))
	for _, n := range []int{0, 3, headerLength, headerLength + 3} {
		if got, _, _, err := decodeDestination(whole[:n], IPv4); err == nil {
			t.Errorf("%d bytes are decoded as %s", n, got)
		}
	}
	short := nl.NewRtAttr(attrDestination, nil)
	short.AddRtAttr(destinationFamily, nl.Uint16Attr(uint16(IPv6)))
	short.AddRtAttr(destinationAddress, server.Addr().AsSlice())
	if got, _, _, err := decodeDestination(message(short), IPv6); err == nil {
		t.Errorf("an IPv6 address of four bytes is decoded as %s", got)
	}
	if v, err := decodeInfo(nil); !errors.Is(err, errShort) {
		t.Errorf("nothing is decoded as version %q, %v", v, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(message(destinationAttribute(netip.MustParseAddrPort("192.0.2.21:80"), Destination{Weight: 1})))
	f.Add(message(keyAttribute(AddressKey(TCP, netip.MustParseAddrPort("[2001:db8::1]:80")))))
	f.Add(message(keyAttribute(MarkKey(5, IPv4))))
	f.Add(append(make([]byte, headerLength), 5, 0, 1, 0, 9)) // ends before its padding
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, _, err := decodeService(data); err == nil && key.FirewallMark == 0 && !key.Address.Addr().IsValid() {
			t.Errorf("service %+v has no address", key)
		}
		if server, d, _, err := decodeDestination(data, IPv6); err == nil {
			again, same, _, err := decodeDestination(message(destinationAttribute(server, d)), IPv6)
			if err != nil || again != server || same != d {
				t.Errorf("%s %+v is decoded again as %s %+v, %v", server, d, again, same, err)
			}
		}
		_, _ = decodeInfo(data)
	})
}
