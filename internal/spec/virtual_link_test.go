package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVirtualLink_28_HasTheMACOfTheRFC(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		vrid       int
		iface      string
		address    string
		name, mac4 string
	}{
		{1, "eth0", "192.0.2.100/24", "vr4-1-", "00:00:5e:00:01:01"},
		{16, "eth0", "192.0.2.100/24", "vr4-16-", "00:00:5e:00:01:10"},
		{255, "eth0", "192.0.2.100/24", "vr4-255-", "00:00:5e:00:01:ff"},
		{255, "a-long-iface-15", "fe80::33/64", "vr6-255-", "00:00:5e:00:02:ff"},
	} {
		v := DefaultVRRPInstance()
		v.VirtualRouterID, v.Interface, v.VirtualMAC, v.VirtualAddresses = tt.vrid, tt.iface, true, prefixList(tt.address)
		l, has := v.VirtualLink()
		if !has || l.MAC != tt.mac4 || l.Parent != tt.iface {
			t.Errorf("%d on %s has %+v", tt.vrid, tt.iface, l)
		}
		if !isInterfaceName(l.Name) || l.Name[:len(tt.name)] != tt.name {
			t.Errorf("%d on %s is named %q", tt.vrid, tt.iface, l.Name)
		}
		v.VirtualMAC = false
		if _, has := v.VirtualLink(); has {
			t.Error("an instance without virtual_mac has a virtual link")
		}
	}
}

func TestVirtualLinkIsAnotherOneOnEachInterface(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for _, iface := range []string{"eth0", "eth1", "eth0.10", "bond0", "vlan100"} {
		v := DefaultVRRPInstance()
		v.VirtualRouterID, v.Interface, v.VirtualMAC, v.VirtualAddresses = 51, iface, true, prefixList("192.0.2.100/24")
		l, _ := v.VirtualLink()
		if other, taken := names[l.Name]; taken {
			t.Errorf("%s and %s both have %s", iface, other, l.Name)
		}
		names[l.Name] = iface
	}
	if diff := cmp.Diff("eth0", names["vr4-51-67b197"]); diff != "" {
		t.Errorf("the name depends on more than VRID and interface, or changed between versions: %v", names)
	}
}
