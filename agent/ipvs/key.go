package ipvs

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Protocol is an IP protocol number.
type Protocol uint16

// The protocols that the kernel balances.
const (
	TCP  Protocol = unix.IPPROTO_TCP
	UDP  Protocol = unix.IPPROTO_UDP
	SCTP Protocol = unix.IPPROTO_SCTP
)

// String returns the protocol's name, or its number.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	}
	return strconv.Itoa(int(p))
}

// Family is an address family.
type Family uint16

// The address families.
const (
	IPv4 Family = unix.AF_INET
	IPv6 Family = unix.AF_INET6
)

// String returns ipv4 or ipv6.
func (f Family) String() string {
	if f == IPv6 {
		return "ipv6"
	}
	return "ipv4"
}

func familyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// ServiceKey is what tells one service from another: protocol, address and port; or a firewall mark
// and a family. What belongs to the other kind is zero.
type ServiceKey struct {
	Protocol Protocol
	Address  netip.AddrPort

	FirewallMark uint32
	MarkFamily   Family
}

// AddressKey returns the key of a service that has an address.
func AddressKey(p Protocol, address netip.AddrPort) ServiceKey {
	return ServiceKey{Protocol: p, Address: address}
}

// MarkKey returns the key of a service that takes what the firewall has marked. The mark is above 0.
func MarkKey(mark uint32, family Family) ServiceKey {
	return ServiceKey{FirewallMark: mark, MarkFamily: family}
}

// Family returns the address family of the service.
func (k ServiceKey) Family() Family {
	if k.FirewallMark != 0 {
		return k.MarkFamily
	}
	return familyOf(k.Address.Addr())
}

// Compare orders keys: by protocol, address and port, those with a firewall mark first.
func (k ServiceKey) Compare(other ServiceKey) int {
	return cmp.Or(
		cmp.Compare(k.Protocol, other.Protocol),
		k.Address.Compare(other.Address),
		cmp.Compare(k.FirewallMark, other.FirewallMark),
		cmp.Compare(k.MarkFamily, other.MarkFamily),
	)
}

const markWord = "fwmark"

// String returns tcp/192.0.2.100:80, udp/[2001:db8::1]:53 or fwmark/5/ipv4.
func (k ServiceKey) String() string {
	if k.FirewallMark != 0 {
		return fmt.Sprintf("%s/%d/%s", markWord, k.FirewallMark, k.MarkFamily)
	}
	return k.Protocol.String() + "/" + k.Address.String()
}

// MarshalText writes what String returns.
func (k ServiceKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what String returns, and nothing else.
func (k *ServiceKey) UnmarshalText(text []byte) error {
	kind, rest, _ := strings.Cut(string(text), "/")
	parsed, err := parseKey(kind, rest)
	if err != nil {
		return fmt.Errorf("read service key %q: %w", text, err)
	}
	if parsed.String() != string(text) {
		return fmt.Errorf("read service key %q: its canonical form is %s", text, parsed)
	}
	*k = parsed
	return nil
}

func parseKey(kind, rest string) (ServiceKey, error) {
	if kind == markWord {
		number, family, _ := strings.Cut(rest, "/")
		mark, err := strconv.ParseUint(number, 10, 32)
		if err != nil || mark == 0 {
			return ServiceKey{}, fmt.Errorf("%q is not a firewall mark", number)
		}
		if family == IPv6.String() {
			return MarkKey(uint32(mark), IPv6), nil
		}
		return MarkKey(uint32(mark), IPv4), nil
	}
	for _, p := range []Protocol{TCP, UDP, SCTP} {
		if p.String() != kind {
			continue
		}
		address, err := netip.ParseAddrPort(rest)
		if err != nil {
			return ServiceKey{}, err
		}
		return AddressKey(p, address), nil
	}
	return ServiceKey{}, fmt.Errorf("%q is neither a protocol nor %s", kind, markWord)
}
