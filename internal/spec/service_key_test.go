package spec

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestServiceIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]VirtualServer{
		"tcp:192.0.2.1:80":       {Protocol: TCP, Address: netip.MustParseAddr("192.0.2.1"), Port: 80},
		"udp:[2001:DB8::1]:53":   {Protocol: UDP, Address: netip.MustParseAddr("2001:db8::1"), Port: 53},
		"sctp:192.0.2.1:0":       {Protocol: SCTP, Address: netip.MustParseAddr("192.0.2.1")},
		"fwmark:5":               {FirewallMark: 5, Family: IPv4},
		"fwmark:4294967295:ipv6": {FirewallMark: 4294967295, Family: IPv6},
	} {
		got, err := ParseService(text)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for text, want := range map[string]string{
		"":                      "does not begin with a protocol",
		"192.0.2.1:80":          "does not begin with a protocol",
		"icmp:192.0.2.1:80":     "does not begin with a protocol",
		"tcp":                   "write tcp:192.0.2.1:80",
		"tcp:192.0.2.1":         "write tcp:192.0.2.1:80",
		"tcp:2001:db8::1:80":    "or tcp:[2001:db8::1]:80",
		"tcp:192.0.2.1:65536":   "is not protocol:address:port",
		"tcp:224.0.0.1:80":      "use a unicast address",
		"tcp:[fe80::1%eth0]:80": "has a zone",
		"fwmark:":               "use 1 to 4294967295",
		"fwmark:0":              "use 1 to 4294967295",
		"fwmark:4294967296":     "use 1 to 4294967295",
		"fwmark:5:inet6":        "use ipv4 or ipv6",
	} {
		if _, err := ParseService(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}
