package vrrp

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// placed is an address and the interface that it belongs on.
type placed struct {
	iface  string
	prefix netip.Prefix
}

// placesOf returns where the addresses of an instance belong, those that adverts carry first. The interface
// with the virtual MAC carries all that would be on its parent.
func placesOf(v spec.VRRPInstance) []placed {
	virtual, has := v.VirtualLink()
	place := func(iface string, p netip.Prefix) placed {
		if iface == "" {
			iface = v.Interface
		}
		if has && iface == virtual.Parent {
			return placed{virtual.Name, alone(p)}
		}
		return placed{iface, p}
	}
	all := make([]placed, 0, len(v.VirtualAddresses)+len(v.ExcludedAddresses))
	for _, p := range v.VirtualAddresses {
		all = append(all, place(v.Interface, p))
	}
	for _, x := range v.ExcludedAddresses {
		all = append(all, place(x.Interface, x.Address))
	}
	return all
}

// virtualName is that of the instance's virtual link, or "".
func virtualName(v spec.VRRPInstance) string {
	l, _ := v.VirtualLink()
	return l.Name
}

// alone is an address without its subnet: what goes there leaves by the parent. A link-local subnet is
// another one on every link, and without it nobody on this one could be answered.
func alone(p netip.Prefix) netip.Prefix {
	if p.Addr().IsLinkLocalUnicast() && p.Addr().Is6() {
		return p
	}
	return netip.PrefixFrom(p.Addr(), p.Addr().BitLen())
}

// byInterface calls f for each interface of the list in the order in which they first come.
func byInterface(list []placed, f func(iface string, addresses []netip.Prefix) error) error {
	var errs []error
	for len(list) > 0 {
		iface := list[0].iface
		var here []netip.Prefix
		var rest []placed
		for _, p := range list {
			if p.iface == iface {
				here = append(here, p.prefix)
			} else {
				rest = append(rest, p)
			}
		}
		errs = append(errs, f(iface, here))
		list = rest
	}
	return errors.Join(errs...)
}

func prefixesOf(list []placed) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, p := range list {
		all[i] = p.prefix
	}
	return all
}

// without returns what is in the list and not in the other.
func without[T comparable](list, other []T) []T {
	if slices.Equal(list, other) {
		return nil // as it nearly always is, and the lists may be long
	}
	there := make(map[T]bool, len(other))
	for _, v := range other {
		there[v] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return there[v] })
}
