package spec

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ParseService reads what identifies a service to the kernel, as people write it: tcp:192.0.2.1:80,
// udp:[2001:db8::1]:53, or a firewall mark with its family: fwmark:5, fwmark:5:ipv6. Only the fields that it
// says are set.
func ParseService(s string) (VirtualServer, error) {
	kind, rest, _ := strings.Cut(s, ":")
	switch {
	case kind == "fwmark":
		return parseFirewallMark(s, rest)
	case !slices.Contains(Protocols(), kind):
		return VirtualServer{}, fmt.Errorf("%q does not begin with a protocol: write tcp:192.0.2.1:80, one of %s, or fwmark:5", s, strings.Join(Protocols(), ", "))
	}
	at, err := netip.ParseAddrPort(rest)
	if err != nil {
		return VirtualServer{}, fmt.Errorf("%q is not protocol:address:port: write tcp:192.0.2.1:80 or tcp:[2001:db8::1]:80", s)
	}
	if problem := unicast(at.Addr()); problem != "" {
		return VirtualServer{}, fmt.Errorf("%q: %s", s, problem)
	}
	return VirtualServer{Protocol: Protocol(kind), Address: at.Addr(), Port: int(at.Port())}, nil
}

func parseFirewallMark(s, rest string) (VirtualServer, error) {
	number, family, given := strings.Cut(rest, ":")
	mark, err := strconv.ParseUint(number, 10, 32)
	if err != nil || mark == 0 {
		return VirtualServer{}, fmt.Errorf("%q: %q is no firewall mark: use 1 to 4294967295", s, number)
	}
	v := VirtualServer{FirewallMark: int64(mark), Family: IPv4}
	switch {
	case !given:
	case family == string(IPv4), family == string(IPv6):
		v.Family = Family(family)
	default:
		return VirtualServer{}, fmt.Errorf("%q: %q is no family: use ipv4 or ipv6", s, family)
	}
	return v, nil
}
