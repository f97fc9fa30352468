package spec

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func addresses(list ...string) (all []netip.Addr) {
	for _, s := range list {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

func prefixList(list ...string) (all []netip.Prefix) {
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

func version2(v *VRRPInstance) { v.Version = 2 }

func unicasting(v *VRRPInstance) {
	v.UnicastSource, v.UnicastPeers = netip.MustParseAddr("192.0.2.11"), addresses("192.0.2.12")
}

// The numbers are the rows of the checklist of VRRP's rules.
func TestValidateProtocolOfAnInstance(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		changes []func(*VRRPInstance)
		want    FieldErrors
	}{
		"36 version 2 at its limits": {list(version2, interval(255*time.Second)), nil},
		"36 version 2 below a second": {list(version2, interval(500*time.Millisecond)),
			one("/advertisement_interval", "500ms is not whole seconds, all that VRRP version 2 knows: use 1s to 4m15s, or version 3")},
		"36 version 2 between seconds": {list(version2, interval(1500*time.Millisecond)),
			one("/advertisement_interval", "1.5s is not whole seconds, all that VRRP version 2 knows: use 1s to 4m15s, or version 3")},
		"36 version 2 too long":    {list(version2, interval(256*time.Second)), one("/advertisement_interval", "4m16s is out of range: use 1s to 4m15s")},
		"36 version 2 of length 0": {list(version2, interval(0)), one("/advertisement_interval", "0s is out of range: use 1s to 4m15s")},
		"76 both versions": {list(func(v *VRRPInstance) { v.Version = 23 }),
			one("/version", "23 is not known: use 2 or 3, one for an instance: none speaks both")},
		"38 version 2 without accept_mode": {list(version2, func(v *VRRPInstance) { v.AcceptMode = false }),
			one("/accept_mode", "VRRP version 2 has no Accept_Mode: leave it out, or use version 3")},
		"38 version 3 without accept_mode": {list(func(v *VRRPInstance) { v.AcceptMode = false }), nil},
		"version 2 with IPv6":              {list(version2, virtual("fe80::51/64")), one("/version", "VRRP version 2 has no IPv6: use 3")},

		"32 the other checksum":         {list(checksum("rfc5798")), nil},
		"32 a checksum that is unknown": {list(checksum("rfc3768")), one("/checksum_compatibility", `"rfc3768" is not known: use one of rfc9568, rfc5798`)},
		"32 the other checksum in version 2": {list(version2, checksum("rfc5798")),
			one("/checksum_compatibility", "VRRP version 2 has one checksum only: leave it out, or use version 3")},

		"14 password":                  {list(version2, password("s3cret")), nil},
		"14 password that just fits":   {list(version2, password("12345678")), nil},
		"14 password that is too long": {list(version2, password("123456789")), one("/auth_pass", "the password has 9 bytes, and an advert has room for 8: use a shorter one")},
		"14 password with a byte 0":    {list(version2, password("a\x00b")), one("/auth_pass", "the password has a byte 0, which adverts fill up with: use another one")},
		"14 password in version 3": {list(password("s3cret")),
			one("/auth_pass", "VRRP version 3 has no authentication (RFC 9568 §9): remove the password, or use version 2")},

		"20 IPv6, link-local first":   {list(virtual("fe80::51/64", "2001:db8::100/64")), nil},
		"20 IPv6, another one first":  {list(virtual("2001:db8::100/64", "fe80::51/64")), one("/virtual_addresses/0", "2001:db8::100/64 is not link-local: the first address of an IPv6 virtual router is of fe80::/10 (RFC 9568 §5.2.9), such as fe80::33/64")},
		"12 two families":             {list(virtual("192.0.2.100/24", "fe80::51/64")), one("/virtual_addresses/1", "fe80::51/64 is IPv6, and the first address is IPv4: make it a virtual router of its own, which may have the same virtual_router_id")},
		"12 two families, IPv6 first": {list(virtual("fe80::51/64", "192.0.2.100/24")), one("/virtual_addresses/1", "192.0.2.100/24 is IPv4, and the first address is IPv6: make it a virtual router of its own, which may have the same virtual_router_id")},
		"IPv6 with a zone":            {list(func(v *VRRPInstance) { v.VirtualAddresses = []netip.Prefix{{}} }), one("/virtual_addresses/0", "an address is needed")},

		"unicast":              {list(unicasting), nil},
		"unicast over routers": {list(unicasting, func(v *VRRPInstance) { v.UnicastTTL, v.UnicastMinimumTTL = 255, 254 }), nil},
		"unicast in IPv6": {list(virtual("fe80::51/64"), func(v *VRRPInstance) {
			v.UnicastSource, v.UnicastPeers = netip.MustParseAddr("2001:db8::11"), addresses("2001:db8::12", "fe80::13")
		}), nil},
		"unicast without peers":    {list(unicasting, func(v *VRRPInstance) { v.UnicastPeers = nil }), one("/unicast_peers", "unicast needs the address of at least one other router")},
		"unicast without a source": {list(unicasting, func(v *VRRPInstance) { v.UnicastSource = netip.Addr{} }), one("/unicast_source", "unicast needs an address of the interface that adverts come from")},
		"unicast in another family": {list(unicasting, virtual("fe80::51/64")), FieldErrors{
			{"/unicast_source", "192.0.2.11 is IPv4, and the virtual addresses are IPv6: adverts travel in the family they are about"},
			{"/unicast_peers/0", "192.0.2.12 is IPv4, and the virtual addresses are IPv6: adverts travel in the family they are about"}}},
		"unicast to oneself": {list(unicasting, func(v *VRRPInstance) { v.UnicastPeers = addresses("192.0.2.11") }),
			one("/unicast_peers/0", "192.0.2.11 is the director's own unicast address: each needs its own")},
		"unicast to one twice": {list(unicasting, func(v *VRRPInstance) { v.UnicastPeers = addresses("192.0.2.12", "192.0.2.12") }),
			one("/unicast_peers/1", "192.0.2.12 stands in the list twice: each director needs its own unicast address")},
		"unicast to a group": {list(unicasting, func(v *VRRPInstance) { v.UnicastPeers = addresses("224.0.0.18") }),
			one("/unicast_peers/0", "224.0.0.18 is not the address of one machine: use a unicast address")},
		"unicast from a virtual address": {list(unicasting, func(v *VRRPInstance) { v.UnicastSource = v.VirtualAddresses[0].Addr() }),
			one("/unicast_source", "192.0.2.100 is a virtual address: it moves between directors, so use one that stays")},
		"unicast with TTL 0":   {list(unicasting, func(v *VRRPInstance) { v.UnicastTTL = 0 }), one("/unicast_ttl", "0 is out of range: use 1 to 255")},
		"unicast with TTL 256": {list(unicasting, func(v *VRRPInstance) { v.UnicastTTL = 256 }), one("/unicast_ttl", "256 is out of range: use 1 to 255")},
		"unicast that nobody would hear": {list(unicasting, func(v *VRRPInstance) { v.UnicastTTL, v.UnicastMinimumTTL = 64, 255 }),
			one("/unicast_minimum_ttl", "255 is above unicast_ttl, which is 64: no director would hear another one")},
		"unicast from anywhere": {list(unicasting, func(v *VRRPInstance) { v.UnicastMinimumTTL = -1 }),
			one("/unicast_minimum_ttl", "-1 is out of range: use 1 to 255")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodInstance()
			for _, change := range tt.changes {
				change(&v)
			}
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func list(changes ...func(*VRRPInstance)) []func(*VRRPInstance) { return changes }

func interval(d time.Duration) func(*VRRPInstance) {
	return func(v *VRRPInstance) { v.AdvertisementInterval = Duration(d) }
}

func checksum(c ChecksumCompatibility) func(*VRRPInstance) {
	return func(v *VRRPInstance) { v.ChecksumCompatibility = c }
}

func password(p Secret) func(*VRRPInstance) { return func(v *VRRPInstance) { v.AuthPass = p } }

func virtual(prefixes ...string) func(*VRRPInstance) {
	return func(v *VRRPInstance) { v.VirtualAddresses = prefixList(prefixes...) }
}

func TestMinimumTTLIsThatOfNeighboursUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*VRRPInstance)
		want   int
	}{
		"multicast":               {func(v *VRRPInstance) { v.UnicastTTL, v.UnicastMinimumTTL = 64, 60 }, 255},
		"unicast":                 {unicasting, 255},
		"unicast with a TTL":      {func(v *VRRPInstance) { unicasting(v); v.UnicastTTL = 64 }, 64},
		"unicast over one router": {func(v *VRRPInstance) { unicasting(v); v.UnicastMinimumTTL = 254 }, 254},
	} {
		v := goodInstance()
		tt.change(&v)
		if got := v.MinimumTTL(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestSecretIsTakenAndNeverGivenBack(t *testing.T) {
	t.Parallel()
	v := goodInstance()
	v.Version, v.AuthPass = 2, "s3cret"
	var log strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("x", "instance", v, "password", v.AuthPass)
	}
	canonical, err := Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"print": fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v.AuthPass, v.AuthPass, v.AuthPass),
		"log":   log.String(),
		"JSON":  string(canonical),
	} {
		if strings.Contains(text, "s3cret") || strings.Contains(text, "733363726574") {
			t.Errorf("%s tells it: %s", what, text)
		}
	}
	if strings.Contains(string(canonical), "auth_pass") {
		t.Errorf("JSON has room for it: %s", canonical)
	}
	other := v
	other.AuthPass = "another"
	if ETag(v) != ETag(other) {
		t.Error("the ETag depends on it, so that it could be guessed")
	}
	if Equal(v, other) || !Equal(v, v) {
		t.Error("another password is no change")
	}

	kept, err := EncodeWithSecrets(v)
	if err != nil {
		t.Fatal(err)
	}
	var read VRRPInstance
	if err := Decode(kept, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Secret("s3cret"), read.AuthPass, cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
		t.Error("what is kept has another password")
	}
}
