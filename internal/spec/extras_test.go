package spec

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExtras_Validate(t *testing.T) {
	t.Parallel()
	type bad map[string]string // pointer: beginning of the detail
	for name, tt := range map[string]struct {
		body string
		want bad
	}{
		"of any family, here and elsewhere": {`"excluded_addresses":[{"address":"198.51.100.1/24"},{"address":"2001:db8::1/64","interface":"eth1"}]`, nil},
		"routes of all kinds": {`"virtual_routes":[{"destination":"0.0.0.0/0","via":"192.0.2.1"},{"destination":"0.0.0.0/0","via":"192.0.2.1","metric":5},
			{"destination":"::/0","via":"fe80::1","interface":"eth1","source":"2001:db8::1","table":100}]`, nil},
		"excluded and virtual": {`"excluded_addresses":[{"address":"192.0.2.100/32"}]`, bad{"/excluded_addresses/0/address": "192.0.2.100 stands twice"}},
		"excluded twice":       {`"excluded_addresses":[{"address":"192.0.2.7/32"},{"address":"192.0.2.7/24","interface":"eth1"}]`, bad{"/excluded_addresses/1/address": "192.0.2.7 stands twice"}},
		"no address":           {`"excluded_addresses":[{}]`, bad{"/excluded_addresses/0/address": "an address is needed"}},
		"loopback":             {`"excluded_addresses":[{"address":"::1/128"}]`, bad{"/excluded_addresses/0/address": "::1/128 is a loopback address"}},
		"multicast":            {`"excluded_addresses":[{"address":"ff02::1/128"}]`, bad{"/excluded_addresses/0/address": "ff02::1 is not the address of one machine"}},
		"no prefix length":     {`"excluded_addresses":[{"address":"2001:db8::1/0"}]`, bad{"/excluded_addresses/0/address": "2001:db8::1/0 has no prefix length"}},
		"interfaces that cannot be": {`"excluded_addresses":[{"address":"2001:db8::1/64","interface":"a b"}],"virtual_routes":[{"destination":"::/0","interface":"a/b"}]`,
			bad{"/excluded_addresses/0/interface": `"a b" is not the name`, "/virtual_routes/0/interface": `"a/b" is not the name`}},
		"no destination":       {`"virtual_routes":[{"via":"192.0.2.1"}]`, bad{"/virtual_routes/0/destination": "a network is needed"}},
		"host bits":            {`"virtual_routes":[{"destination":"198.51.100.1/24"}]`, bad{"/virtual_routes/0/destination": "198.51.100.1/24 has bits behind its prefix length: write 198.51.100.0/24"}},
		"families mixed":       {`"virtual_routes":[{"destination":"198.51.100.0/24","via":"2001:db8::1"}]`, bad{"/virtual_routes/0/via": "2001:db8::1 is not of the family"}},
		"source of the other":  {`"virtual_routes":[{"destination":"::/0","source":"192.0.2.1"}]`, bad{"/virtual_routes/0/source": "192.0.2.1 is not of the family"}},
		"metric out of range":  {`"virtual_routes":[{"destination":"::/0","metric":-1}]`, bad{"/virtual_routes/0/metric": "-1 is out of range"}},
		"table out of range":   {`"virtual_routes":[{"destination":"::/0","table":4294967296}]`, bad{"/virtual_routes/0/table": "4294967296 is out of range"}},
		"the same route twice": {`"virtual_routes":[{"destination":"::/0","via":"fe80::1"},{"destination":"::/0","via":"fe80::2"}]`, bad{"/virtual_routes/1": "::/0 stands in the list twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v VRRPInstance
			body := `{"virtual_router_id":51,"interface":"eth0","virtual_addresses":["192.0.2.100/24"],` + tt.body + `}`
			if err := Decode([]byte(body), &v); err != nil {
				t.Fatal(err)
			}
			var got bad
			for _, e := range v.Validate() {
				if got == nil {
					got = bad{}
				}
				got[e.Pointer] = e.Detail[:min(len(tt.want[e.Pointer]), len(e.Detail))]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExtras_AtMostAThousandAddressesOfAFamily(t *testing.T) {
	t.Parallel()
	v := goodInstance()
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	for i := range MaxAddresses {
		six := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
		v.ExcludedAddresses = append(v.ExcludedAddresses, ExcludedAddress{Address: netip.PrefixFrom(six, 128)})
		if i > 0 {
			four := netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
			v.ExcludedAddresses = append(v.ExcludedAddresses, ExcludedAddress{Address: netip.PrefixFrom(four, 32)})
		}
	}
	if bad := v.Validate(); bad != nil {
		t.Errorf("1000 of each family: %v", bad)
	}
	v.ExcludedAddresses = append(v.ExcludedAddresses, ExcludedAddress{Address: netip.MustParsePrefix("198.51.255.1/32"), Interface: "eth1"})
	want := FieldErrors{{"/excluded_addresses", "with the virtual addresses they are 1001 of IPv4: at most 1000 belong to one instance; use another one for the rest"}}
	if diff := cmp.Diff(want, v.Validate()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExtras_AnAddressIsInOneInstance(t *testing.T) {
	t.Parallel()
	other := goodInstance()
	other.VirtualRouterID, other.VirtualAddresses = 7, []netip.Prefix{netip.MustParsePrefix("203.0.113.1/24")}
	other.ExcludedAddresses = []ExcludedAddress{{Address: netip.MustParsePrefix("203.0.113.2/24")}}
	d := Desired{VRRPInstances: map[string]VRRPInstance{"other": other}}
	v := goodInstance()
	v.VirtualRouterID, v.VirtualAddresses = 8, []netip.Prefix{netip.MustParsePrefix("203.0.113.2/32")}
	v.ExcludedAddresses = []ExcludedAddress{{Address: netip.MustParsePrefix("203.0.113.1/32"), Interface: "eth1"}}
	want := FieldErrors{
		{"/virtual_addresses/0", `203.0.113.2 belongs to VRRP instance "other": an address is in one instance only`},
		{"/excluded_addresses/0/address", `203.0.113.1 belongs to VRRP instance "other": an address is in one instance only`},
	}
	if diff := cmp.Diff(want, d.FitVRRPInstance("web", v).Conflicts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
