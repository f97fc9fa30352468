package link

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Source returns the index of an interface and its primary IPv4 or its link-local IPv6 address, never one
// that was claimed. The error says in words for the user why there is none.
func (k *Kernel) Source(iface string, family spec.Family) (index int, primary netip.Addr, err error) {
	l, err := k.up(iface)
	if err != nil {
		return 0, netip.Addr{}, err
	}
	list, err := k.netlink.list(l)
	if err != nil {
		return 0, netip.Addr{}, fmt.Errorf("list the addresses of %s: %w", iface, err)
	}
	if family == spec.IPv6 {
		if primary = k.linkLocal(iface, list); !primary.IsValid() {
			return 0, netip.Addr{}, fmt.Errorf("interface %s has no link-local IPv6 address", iface)
		}
		return l.Attrs().Index, primary, nil
	}
	if primary = k.primary(iface, list); !primary.IsValid() {
		return 0, netip.Addr{}, fmt.Errorf("interface %s has no IPv4 address", iface)
	}
	return l.Attrs().Index, primary, nil
}

// HardwareAddress returns that of an interface, or "" while there is none to be known.
func (k *Kernel) HardwareAddress(iface string) string {
	l, err := k.netlink.link(iface)
	if err != nil {
		return ""
	}
	return l.Attrs().HardwareAddr.String()
}

// Carrier says in words for the user why an interface is not up or has no carrier, or returns nil.
func (k *Kernel) Carrier(iface string) error {
	_, err := k.up(iface)
	return err
}

func (k *Kernel) up(iface string) (netlink.Link, error) {
	l, err := k.netlink.link(iface)
	if absent(err) {
		return nil, fmt.Errorf("interface %s does not exist", iface)
	}
	if err != nil {
		return nil, fmt.Errorf("look at interface %s: %w", iface, err)
	}
	switch flags := l.Attrs().RawFlags; {
	case flags&unix.IFF_UP == 0:
		return nil, fmt.Errorf("interface %s is down", iface)
	case flags&unix.IFF_RUNNING == 0:
		return nil, fmt.Errorf("interface %s has no carrier", iface)
	}
	return l, nil
}

// primary is the first IPv4 address in the kernel's order that is the machine's own and not for the
// machine alone. A virtual address may stand among the primary ones when its subnet is another.
func (k *Kernel) primary(iface string, list []netlink.Addr) netip.Addr {
	for _, a := range list {
		p := prefixOf(a)
		if p.Addr().Is4() && a.Flags&unix.IFA_F_SECONDARY == 0 && a.Scope < unix.RT_SCOPE_HOST && !k.claimed(Held{iface, p}) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// linkLocal is the machine's own link-local address. Of several it is the oldest, which the kernel lists
// last, so that one that is added later changes nothing.
func (k *Kernel) linkLocal(iface string, list []netlink.Addr) (found netip.Addr) {
	for _, a := range list {
		p := prefixOf(a)
		if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() && usable(a) && !k.claimed(Held{iface, p}) {
			found = p.Addr()
		}
	}
	return found
}

// usable: duplicate address detection has not found the address taken, and is over.
func usable(a netlink.Addr) bool { return a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 }

// Owns says why adverts cannot come from an address of the interface, or nil: it must be there, and the
// machine's own.
func (k *Kernel) Owns(iface string, address netip.Addr) error {
	l, err := k.netlink.link(iface)
	if err != nil {
		return fmt.Errorf("look at interface %s: %w", iface, err)
	}
	list, err := k.netlink.list(l)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", iface, err)
	}
	for _, a := range list {
		if p := prefixOf(a); p.Addr() == address && usable(a) && !k.claimed(Held{iface, p}) {
			return nil
		}
	}
	return fmt.Errorf("interface %s has no address %s of its own", iface, address)
}

// names lists the interfaces that could carry a virtual router.
func (k *Kernel) names() ([]string, error) {
	links, err := whole(k.netlink.handle.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	var names []string
	for _, l := range links {
		if multicasts(l) && !k.netlink.virtual.has(l.Attrs().Name) {
			names = append(names, l.Attrs().Name)
		}
	}
	return names, nil
}

func multicasts(l netlink.Link) bool {
	const wanted = unix.IFF_MULTICAST
	return l.Attrs().RawFlags&(wanted|unix.IFF_LOOPBACK) == wanted
}
