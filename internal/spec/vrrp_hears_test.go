package spec

import (
	"net/netip"
	"testing"
	"time"
)

func TestInstancesHearOneAnotherUnlessTheirAdvertsDiffer(t *testing.T) {
	t.Parallel()
	base := DefaultVRRPInstance()
	base.VirtualRouterID, base.Interface = 51, "eth0"
	base.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")}
	with := func(v VRRPInstance, change func(*VRRPInstance)) VRRPInstance { change(&v); return v }
	v2 := with(base, func(v *VRRPInstance) { v.Version = VRRPv2 })
	a, b, c := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("192.0.2.13")
	unicast := func(source netip.Addr, peers ...netip.Addr) VRRPInstance {
		return with(base, func(v *VRRPInstance) { v.UnicastSource, v.UnicastPeers = source, peers })
	}
	for name, test := range map[string]struct {
		one, other  VRRPInstance
		hears, back bool
	}{
		"itself":                         {base, base, true, true},
		"what each director has its own": {base, with(base, func(v *VRRPInstance) { v.Interface, v.Priority = "ens3", 1 }), true, true},
		"addresses":                      {base, with(base, func(v *VRRPInstance) { v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.9/24")} }), true, true},
		"virtual_router_id":              {base, with(base, func(v *VRRPInstance) { v.VirtualRouterID = 52 }), false, false},
		"family":                         {base, with(base, func(v *VRRPInstance) { v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("fe80::33/64")} }), false, false},
		"version":                        {base, v2, false, false},
		"interval":                       {base, with(base, func(v *VRRPInstance) { v.AdvertisementInterval = Duration(time.Minute) }), true, true},
		"interval of version 2":          {v2, with(v2, func(v *VRRPInstance) { v.AdvertisementInterval = Duration(time.Minute) }), false, false},
		"password":                       {v2, with(v2, func(v *VRRPInstance) { v.AuthPassVersion = 1 }), false, false},
		"checksum":                       {base, with(base, func(v *VRRPInstance) { v.ChecksumCompatibility = ChecksumRFC5798 }), true, true},
		"multicast and unicast":          {base, unicast(b, a), false, false},
		"unicast":                        {unicast(a, b), unicast(b, a), true, true},
		"unicast with a third":           {unicast(a, b, c), unicast(b, a), true, true},
		"unicast to another":             {unicast(a, b), unicast(c, a), false, false},
		"unicast from another":           {unicast(a, b), unicast(b, c), false, false},
		"TTL": {
			with(unicast(a, b), func(v *VRRPInstance) { v.UnicastTTL, v.UnicastMinimumTTL = 255, 200 }),
			with(unicast(b, a), func(v *VRRPInstance) { v.UnicastTTL, v.UnicastMinimumTTL = 64, 60 }), false, true,
		},
	} {
		if got := test.one.Hears(&test.other); got != test.hears {
			t.Errorf("%s: one hears the other: %t, want %t", name, got, test.hears)
		}
		if got := test.other.Hears(&test.one); got != test.back {
			t.Errorf("%s: the other hears the one: %t, want %t", name, got, test.back)
		}
	}
}
