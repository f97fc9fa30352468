package spec

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// The numbers in the names are rows of agent/vrrp/CHECKLIST.md.

// refused returns the pointers at which an instance that is changed so is refused.
func refused(change func(*VRRPInstance)) (pointers []string) {
	v := DefaultVRRPInstance()
	v.VirtualRouterID, v.Interface = 51, "eth0"
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")}
	change(&v)
	for _, e := range v.Validate() {
		pointers = append(pointers, e.Pointer)
	}
	return pointers
}

func TestLimits_35_IDAndPriority(t *testing.T) {
	t.Parallel()
	for id, ok := range map[int]bool{-1: false, 0: false, 1: true, 255: true, 256: false} {
		if got := refused(func(v *VRRPInstance) { v.VirtualRouterID = id }); slices.Contains(got, "/virtual_router_id") == ok {
			t.Errorf("virtual_router_id %d: %q", id, got)
		}
	}
	for priority, ok := range map[int]bool{-1: false, 0: false, 1: true, 254: true, 255: true, 256: false} {
		if got := refused(func(v *VRRPInstance) { v.Priority = priority }); slices.Contains(got, "/priority") == ok {
			t.Errorf("priority %d: %q", priority, got)
		}
	}
}

func TestLimits_36_Interval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version  int
		interval time.Duration
		ok       bool
	}{
		{3, 0, false},
		{3, 9 * time.Millisecond, false},
		{3, 10 * time.Millisecond, true},
		{3, 15 * time.Millisecond, false},
		{3, 40950 * time.Millisecond, true},
		{3, 40960 * time.Millisecond, false},
		{2, 0, false},
		{2, 100 * time.Millisecond, false},
		{2, time.Second, true},
		{2, 1500 * time.Millisecond, false},
		{2, 255 * time.Second, true},
		{2, 256 * time.Second, false},
	} {
		got := refused(func(v *VRRPInstance) { v.Version, v.AdvertisementInterval = test.version, Duration(test.interval) })
		if slices.Contains(got, "/advertisement_interval") == test.ok {
			t.Errorf("%s in version %d: %q", test.interval, test.version, got)
		}
	}
}

func TestLimits_37_AddressesFitAnAdvert(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{0: false, 1: true, 255: true, 256: false} {
		got := refused(func(v *VRRPInstance) {
			v.VirtualAddresses = nil
			for i := range n {
				v.VirtualAddresses = append(v.VirtualAddresses, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i + 1)}), 8))
			}
		})
		if (len(got) == 0) != ok {
			t.Errorf("%d addresses: %q", n, got)
		}
	}
}

func TestLimits_38_39_DefaultsAreTheRFCs(t *testing.T) {
	t.Parallel()
	v := DefaultVRRPInstance()
	if v.Priority != 100 || v.AdvertisementInterval.Std() != time.Second || !v.Preempt || !v.AcceptMode || v.Version != 3 {
		t.Errorf("%+v", v)
	}
}

func TestLimits_76_OneVersionIsSpoken(t *testing.T) {
	t.Parallel()
	for _, version := range []int{0, 1, 4, 23} {
		v := DefaultVRRPInstance()
		v.Version = version
		if got := v.Validate().Error(); !strings.Contains(got, "none speaks both") {
			t.Errorf("version %d: %s", version, got)
		}
	}
}
