package wiretest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// The types of ICMPv6 messages that are looked for (RFC 4861 §4.4, RFC 3810 §5.2).
const (
	neighborAdvertisement = 136
	listenerReport        = 143
)

// icmp6 returns an ICMPv6 message of that type, behind a hop-by-hop header or not.
func (f frame) icmp6(kind byte) (header, message []byte, ok bool) {
	if len(f) < 14+40+8 || f.etherType() != unix.ETH_P_IPV6 {
		return nil, nil, false
	}
	header, message = f[14:54], f[54:]
	next := header[6]
	if next == 0 {
		next, message = message[0], message[8+8*int(message[1]):]
	}
	return header, message, next == unix.IPPROTO_ICMPV6 && len(message) > 0 && message[0] == kind
}

// listener matches a report that says something of that type about VRRP's group: to listen, it changes to
// excluding nobody, to stop, to including nobody.
func listener(recordType byte) func(frame) bool {
	group := netip.MustParseAddr("ff02::12").As16()
	return func(f frame) bool {
		_, report, ok := f.icmp6(listenerReport)
		at := bytes.Index(report, group[:])
		return ok && at >= 4 && report[at-4] == recordType
	}
}

func announced(address string) func(frame) bool {
	target := netip.MustParseAddr(address).As16()
	return func(f frame) bool {
		_, message, ok := f.icmp6(neighborAdvertisement)
		return ok && len(message) >= 32 && [16]byte(message[8:]) == target
	}
}

func TestWire_26_34_43_IPv6IsJoinedSentAndAnnouncedAsTheRFCSays(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "2001:db8::11/64"))
	v := instance(150)
	inIPv6(&v)
	d.set(web(v))
	wire.await(t, "a report that joins the group", 0, listener(joins))
	advert := wire.await(t, "an advert", 0, isAdvert)
	source, destination, hops, message := advert.advert()
	if !source.IsLinkLocalUnicast() || destination.String() != "ff02::12" || hops != 255 {
		t.Errorf("from %s to %s with hop limit %d", source, destination, hops)
	}
	if diff := cmp.Diff("33:33:00:00:00:12", net.HardwareAddr(advert[:6]).String()); diff != "" {
		t.Error(diff)
	}
	// Version 3, VRID 51, priority 150, two addresses, 10 centiseconds; link-local first.
	message[6], message[7] = 0, 0 // the checksum has the source in it
	if diff := cmp.Diff("31339602"+"000a0000"+"fe800000000000000000000000000033"+"20010db8000000000000000000000100", hex.EncodeToString(message)); diff != "" {
		t.Error(diff)
	}
	eventually(t, "it is active", func() bool { return d.carriesAs(spec.InstanceActive, six) })
	for _, address := range []string{"fe80::33", "2001:db8::100"} {
		f := wire.await(t, "an announcement of "+address, 0, announced(address))
		header, message, _ := f.icmp6(neighborAdvertisement)
		// A router, not asked for, what was learnt before is no longer so; the target's link-layer address.
		want := fmt.Sprintf("a0000000 0201%x to ff02::1, hop limit 255", []byte(hardwareAddress(t, d.host)))
		got := fmt.Sprintf("%x %x to %s, hop limit %d", message[4:8], message[24:32], netip.AddrFrom16([16]byte(header[24:])), header[7])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if from := netip.AddrFrom16([16]byte(header[8:])); from != source {
			t.Errorf("announced by %s, want %s", from, source)
		}
	}
	// 81: usable at once, and no source of the machine's own connections.
	shown, err := d.host.Output(t.Context(), "ip", "-6", "address", "show", "dev", "eth0", "to", "2001:db8::100")
	if err != nil || strings.Contains(shown, "tentative") || !strings.Contains(shown, "deprecated") {
		t.Errorf("%v: %s", err, shown)
	}
	mark := wire.mark()
	d.stop()
	wire.await(t, "an advert of priority 0", mark, func(f frame) bool {
		if !isAdvert(f) {
			return false
		}
		_, _, _, message := f.advert()
		return message[2] == 0
	})
	wire.await(t, "a report that leaves the group", mark, listener(leaves))
	if carries(t, d.host, six) {
		t.Error("it kept the address")
	}
}

func TestWire_12_OneIDInBothFamilies(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1 := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d2 := startDirector(t, n.Host(t, "d2", "192.0.2.12/24"))
	both := func(priority4, priority6 int) map[string]spec.VRRPInstance {
		v6 := instance(priority6)
		inIPv6(&v6)
		return map[string]spec.VRRPInstance{"web": instance(priority4), "web6": v6}
	}
	d1.set(both(150, 100))
	d2.set(both(100, 150))
	eventually(t, "each is active in one family", func() bool {
		return carries(t, d1.host, four) && !carries(t, d1.host, six) && !carries(t, d2.host, four) && carries(t, d2.host, six)
	})
	for _, d := range []*director{d1, d2} {
		for name, status := range d.ask(request{}).Status {
			if len(status.Drops) > 0 || len(status.Oddities) > 0 {
				t.Errorf("%s: %s: %+v", d.host.Name(), name, status)
			}
		}
	}
}
