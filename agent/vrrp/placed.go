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

// placesOf returns where the addresses of an instance belong, those that adverts carry first.
func placesOf(v spec.VRRPInstance) []placed {
	all := make([]placed, 0, len(v.VirtualAddresses)+len(v.ExcludedAddresses))
	for _, p := range v.VirtualAddresses {
		all = append(all, placed{v.Interface, p})
	}
	for _, x := range v.ExcludedAddresses {
		iface := x.Interface
		if iface == "" {
			iface = v.Interface
		}
		all = append(all, placed{iface, x.Address})
	}
	return all
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
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return slices.Contains(other, v) })
}
