package wiretest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// An interop is a way of speaking VRRP, as a director and keepalived 2.2.7 are told of it.
type interop struct {
	ours    func(*spec.VRRPInstance)
	version int
	// theirs stands in keepalived's instance, addresses are its virtual addresses.
	theirs, addresses string
	// shows is the virtual address that is looked for on the hosts.
	shows string
	// oddity is what is counted about keepalived's adverts.
	oddity string
}

const (
	four = virtual
	six  = "2001:db8::100/64"
)

func inVersion2(v *spec.VRRPInstance) {
	v.Version, v.AdvertisementInterval = spec.VRRPv2, spec.Duration(time.Second)
}

func inIPv6(v *spec.VRRPInstance) {
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("fe80::33/64"), netip.MustParsePrefix(six)}
}

func unicast(own, peer string) func(*spec.VRRPInstance) {
	return func(v *spec.VRRPInstance) {
		v.UnicastSource, v.UnicastPeers = netip.MustParseAddr(own), []netip.Addr{netip.MustParseAddr(peer)}
	}
}

func asRFC5798(v *spec.VRRPInstance) { v.ChecksumCompatibility = spec.ChecksumRFC5798 }

func all(changes ...func(*spec.VRRPInstance)) func(*spec.VRRPInstance) {
	return func(v *spec.VRRPInstance) {
		for _, change := range changes {
			change(v)
		}
	}
}

func interops() map[string]interop {
	const (
		addresses6 = "fe80::33/64\n\t\t" + six
		password   = "authentication {\n\t\tauth_type PASS\n\t\tauth_pass s3cret\n\t}"
		unicast4   = "unicast_src_ip 192.0.2.12\n\tunicast_peer {\n\t\t192.0.2.11\n\t}"
		// Without the line keepalived 2.2.7 sends IPv6's unicast adverts with the kernel's own hop limit, 64.
		unicast6 = "unicast_ttl 255\n\tunicast_src_ip 2001:db8::12\n\tunicast_peer {\n\t\t2001:db8::11\n\t}"
	)
	secured := func(v *spec.VRRPInstance) { inVersion2(v); v.AuthPass = "s3cret" }
	return map[string]interop{
		"version 2":                {inVersion2, 2, "advert_int 1", four, four, ""},
		"version 2, PASS":          {secured, 2, "advert_int 1\n\t" + password, four, four, ""},
		"version 2, PASS, unicast": {all(secured, unicast("192.0.2.11", "192.0.2.12")), 2, "advert_int 1\n\t" + password + "\n\t" + unicast4, four, four, ""},
		"version 3, IPv4":          {asRFC5798, 3, "advert_int 0.1", four, four, "checksum_rfc5798"},
		"version 3, IPv4, unicast": {all(asRFC5798, unicast("192.0.2.11", "192.0.2.12")), 3, "advert_int 0.1\n\t" + unicast4, four, four, "checksum_rfc5798"},
		"version 3, IPv6":          {inIPv6, 3, "advert_int 0.1", addresses6, six, ""},
		"version 3, IPv6, unicast": {all(inIPv6, unicast("2001:db8::11", "2001:db8::12")), 3, "advert_int 0.1\n\t" + unicast6, addresses6, six, ""},
	}
}

func (i interop) keepalived(t *testing.T, on *lab.Host, priority int) *lab.Keepalived {
	t.Helper()
	k, err := on.StartKeepalived(t.Context(), fmt.Sprintf(`global_defs {
	vrrp_version %d
}
vrrp_instance web {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority %d
	%s
	virtual_ipaddress {
		%s
	}
}
`, i.version, priority, i.theirs, i.addresses), "--vrrp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of keepalived:\n%s", k.Log())
		}
	})
	return k
}

func (i interop) instance(priority int) map[string]spec.VRRPInstance {
	v := instance(priority)
	i.ours(&v)
	return web(v)
}

// Either side is active once, is followed by the other, and replaced by it when it dies.
func TestInterop_77_EitherSideIsActive(t *testing.T) {
	t.Parallel()
	for name, i := range interops() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			peer := n.Host(t, "peer", "192.0.2.12/24", "2001:db8::12/64")
			d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24", "2001:db8::11/64"))
			d.set(i.instance(100))
			eventually(t, "the director is active alone", func() bool { return d.carriesAs(spec.InstanceActive, i.shows) })

			k := i.keepalived(t, peer, 200)
			eventually(t, "the director follows keepalived", func() bool {
				return d.carriesAs(spec.InstanceBackup, i.shows) && carries(t, peer, i.shows)
			})
			received := d.status().AdvertsReceived
			eventually(t, "the director hears keepalived", func() bool { return d.status().AdvertsReceived > received+2 })
			if got := d.status(); len(got.Drops) > 0 || (i.oddity != "") != (got.Oddities[i.oddity] > 0) || len(got.Oddities) > 1 {
				t.Errorf("drops %v, oddities %v", got.Drops, got.Oddities)
			}
			if err := k.Kill(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the director took over from a killed one", func() bool { return d.carriesAs(spec.InstanceActive, i.shows) })

			d.set(i.instance(220))
			k = i.keepalived(t, peer, 200)
			awaitLog(t, k, "Entering BACKUP STATE")
			sent := d.status().AdvertsSent
			eventually(t, "more adverts than keepalived can miss are out", func() bool { return d.status().AdvertsSent > sent+5 })
			if !d.carriesAs(spec.InstanceActive, i.shows) || bytes.Contains([]byte(k.Log()), []byte("Entering MASTER STATE")) {
				t.Errorf("keepalived does not follow the director, which is %s", d.status().State)
			}
			d.stop()
			awaitLog(t, k, "Entering MASTER STATE")
			if carries(t, d.host, i.shows) {
				t.Error("the director kept the address")
			}
		})
	}
}

// Read and written again, keepalived's adverts are the same bytes.
func TestInterop_33_AdvertsAreKeepalivedsByteForByte(t *testing.T) {
	t.Parallel()
	for name, i := range interops() {
		v := i.instance(200)["web"]
		if v.Unicasts() {
			continue // the switch does not show them to others
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			wire := startCapture(t, n)
			peer := n.Host(t, "peer", "192.0.2.12/24", "2001:db8::12/64")
			_ = i.keepalived(t, peer, 200)
			theirs := wire.await(t, "an advert of keepalived", 0, isAdvert)
			source, destination, hops, message := theirs.advert()
			if hops != 255 {
				t.Errorf("TTL %d", hops)
			}
			packet, checksum, drop := vrrp.Parse(message, uint8(i.version), source, destination)
			if drop != "" {
				t.Fatalf("it is dropped: %s", drop)
			}
			if again := packet.AppendTo(nil, source, destination, checksum); !bytes.Equal(again, message) {
				t.Errorf("keepalived sends %x\n  read and written %x", message, again)
			}
			// A director in its place sends the same, but for the checksum that has the address in it.
			d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24", "2001:db8::11/64"))
			mark := wire.mark()
			v.Priority = 250
			d.set(web(v))
			ours := wire.await(t, "an advert of the director", mark, func(f frame) bool {
				if !isAdvert(f) {
					return false
				}
				from, _, _, _ := f.advert()
				return from != source
			})
			from, to, hops, sent := ours.advert()
			packet.Priority = 250
			if want := packet.AppendTo(nil, from, to, checksum); !bytes.Equal(want, sent) || hops != 255 || to != destination {
				t.Errorf("the director sends %x with TTL %d to %s,\n  keepalived would %x", sent, hops, to, want)
			}
		})
	}
}

func isAdvert(f frame) bool {
	_, _, isIPv4 := f.ipv4(vrrp.Protocol)
	return isIPv4 || len(f) >= 14+40 && f.etherType() == unix.ETH_P_IPV6 && f[14+6] == vrrp.Protocol
}

// advert takes an advert of either family apart.
func (f frame) advert() (source, destination netip.Addr, hops uint8, message []byte) {
	if f.etherType() == unix.ETH_P_IP {
		header, message, _ := f.ipv4(vrrp.Protocol)
		return netip.AddrFrom4([4]byte(header[12:])), netip.AddrFrom4([4]byte(header[16:])), header[8], message
	}
	b := f[14:]
	return netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), b[7], b[40 : 40+binary.BigEndian.Uint16(b[4:])]
}
