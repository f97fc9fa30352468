package vrrp

import (
	"context"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Interfaces tells about the machine's network interfaces.
type Interfaces interface {
	// Source returns the index of an interface and its primary IPv4 or its link-local IPv6 address: the one
	// adverts come from, never one that was added through Addresses. The error says, in words for the
	// user, why the interface cannot carry a virtual router of that family now.
	Source(iface string, family spec.Family) (index int, primary netip.Addr, err error)
	// HardwareAddress returns that of an interface, or "" while there is none to be known.
	HardwareAddress(iface string) string
	// Owns says, in words for the user, why adverts cannot come from that address of the interface, or nil.
	Owns(iface string, address netip.Addr) error
	// Carrier says in words for the user why an interface is not up or has no carrier, or returns nil.
	Carrier(iface string) error
	// Watch calls changed, which does not block, whenever an interface or address may have changed,
	// until ctx ends. Calls may be missing, and calls may be about nothing: they are hints.
	Watch(ctx context.Context, changed func()) error
}

// Addresses puts virtual addresses on interfaces. It only ever touches those that were claimed.
type Addresses interface {
	// Claim writes down, on disk, that the addresses may be put on the interface and taken off. It
	// refuses an address that is there already without being claimed: that one is the machine's own.
	// Claiming again costs nothing.
	Claim(iface string, addresses []netip.Prefix) error
	// ClaimForOwner is Claim for the owner of the addresses, who may have them as the machine's own: those
	// are not claimed, and so are never put anywhere nor taken off.
	ClaimForOwner(iface string, addresses []netip.Prefix) error
	// Retain takes every claimed address that is not listed off its interface, and forgets it.
	Retain(addresses map[string][]netip.Prefix) error
	// Ensure puts claimed addresses on the interface where they are missing, and returns those it put. Those
	// that are the machine's own are there.
	Ensure(iface string, addresses []netip.Prefix) (added []netip.Prefix, err error)
	// Remove takes claimed addresses off the interface. Absent ones, and an absent interface, are fine.
	Remove(iface string, addresses []netip.Prefix) error
	// Announce tells the neighbours that the addresses are here (gratuitous ARP, unsolicited neighbour
	// advertisements).
	Announce(iface string, addresses []netip.Addr) error
}

// VirtualLinks are network interfaces with the MAC of a virtual router. They carry its addresses all the
// time, and are in service or stand by. Addresses are Ensured on one to put it into service.
type VirtualLinks interface {
	// Provide sees to it that the link is there, standing by with these addresses, which are claimed, if it
	// is not in service, and returns its index. It refuses an address that is the parent's own. Providing
	// again costs little, and puts right what somebody has changed.
	Provide(l spec.VirtualLink, addresses []netip.Prefix) (index int, err error)
	// StandBy takes a link out of service. An absent one is fine.
	StandBy(name string) error
	// RetainLinks removes every link of ours that is not listed, with its addresses.
	RetainLinks(links []spec.VirtualLink) error
}

// Acceptance keeps packets to addresses from the machine that carries them.
type Acceptance interface {
	// Refuse drops packets to these addresses, and to no others. Refusing again writes nothing, and puts
	// back what somebody has removed.
	Refuse(addresses []netip.Addr) error
}

// Routes puts virtual routes into the kernel's tables. It knows its own by a mark that they carry there,
// and touches no other.
type Routes interface {
	// EnsureRoutes puts the routes in place where they are missing. One that fails keeps no other from it.
	EnsureRoutes(routes []spec.VirtualRoute) error
	// RemoveRoutes removes routes. Absent ones are fine.
	RemoveRoutes(routes []spec.VirtualRoute) error
	// RetainRoutes removes every route of ours that is not listed.
	RetainRoutes(routes []spec.VirtualRoute) error
}
