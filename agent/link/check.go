package link

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Check reports what only this machine can tell to be wrong with an instance: an interface that is not
// there or cannot multicast, a tracked one that is not there, a virtual address that is the interface's
// own. It changes nothing.
func (k *Kernel) Check(v spec.VRRPInstance) spec.FieldErrors {
	l, err := k.netlink.link(v.Interface)
	switch {
	case absent(err):
		return spec.FieldErrors{{Pointer: "/interface", Detail: k.missing(v.Interface)}}
	case err != nil:
		return spec.FieldErrors{{Pointer: "/interface", Detail: fmt.Sprintf("unable to look at %s: %v", v.Interface, err)}}
	case !v.Unicasts() && !multicasts(l):
		return spec.FieldErrors{{Pointer: "/interface", Detail: fmt.Sprintf("%s cannot multicast, as adverts need: use another interface", v.Interface)}}
	}
	errs := append(k.claims.Check(v), fits(v, l.Attrs().MTU)...)
	errs = append(errs, k.checkTracked(v)...)
	errs = append(errs, k.others(v)...)
	if v.Unicasts() {
		if err := k.Owns(v.Interface, v.UnicastSource); err != nil {
			errs = append(errs, spec.FieldError{Pointer: "/unicast_source", Detail: err.Error() + ": adverts cannot come from it"})
		}
	}
	return errs
}

// fits reports a list of addresses that makes adverts longer than the interface takes: they must not come
// in fragments.
func fits(v spec.VRRPInstance, mtu int) spec.FieldErrors {
	overhead, size := 20+8, 4 // IPv4's header, VRRP's
	if v.Family() == spec.IPv6 {
		overhead, size = 40+8, 16
	}
	if v.Version == spec.VRRPv2 {
		overhead += spec.MaxAuthPass
	}
	most := (mtu - overhead) / size
	if len(v.VirtualAddresses) <= most {
		return nil
	}
	return spec.FieldErrors{{Pointer: "/virtual_addresses", Detail: fmt.Sprintf(
		"%d addresses do not fit into an advert on %s, whose MTU is %d: at most %d", len(v.VirtualAddresses), v.Interface, mtu, most)}}
}

func (k *Kernel) checkTracked(v spec.VRRPInstance) spec.FieldErrors {
	var errs spec.FieldErrors
	for _, iface := range slices.Sorted(maps.Keys(v.TrackInterfaces)) {
		if _, err := k.netlink.link(iface); absent(err) {
			errs = append(errs, spec.FieldError{Pointer: "/track_interfaces/" + iface, Detail: k.missing(iface)})
		}
	}
	return errs
}

// others reports interfaces of excluded addresses and virtual routes that are not there.
func (k *Kernel) others(v spec.VRRPInstance) spec.FieldErrors {
	var errs spec.FieldErrors
	look := func(pointer, iface string) {
		if _, err := k.netlink.link(iface); iface != "" && absent(err) {
			errs = append(errs, spec.FieldError{Pointer: pointer, Detail: k.missing(iface)})
		}
	}
	for i, x := range v.ExcludedAddresses {
		look(fmt.Sprintf("/excluded_addresses/%d/interface", i), x.Interface)
	}
	for i, r := range v.VirtualRoutes {
		look(fmt.Sprintf("/virtual_routes/%d/interface", i), r.Interface)
	}
	return errs
}

func (k *Kernel) missing(iface string) string {
	names, err := k.names()
	if err != nil || len(names) == 0 {
		return fmt.Sprintf("%s does not exist on this director", iface)
	}
	return fmt.Sprintf("%s does not exist on this director: it has %s", iface, strings.Join(names, ", "))
}

// Check reports virtual addresses that are the interface's own, as only an owner's may be.
func (c *claims) Check(v spec.VRRPInstance) spec.FieldErrors {
	if v.Priority == spec.OwnerPriority && !v.VirtualMAC {
		return nil
	}
	var errs spec.FieldErrors
	own := map[string][]netip.Prefix{}
	for iface, addresses := range v.AddressesOn() {
		var err error
		if own[iface], err = c.own(iface, addresses); err != nil {
			return spec.FieldErrors{{Pointer: "/interface", Detail: err.Error()}}
		}
	}
	report := func(iface string, p netip.Prefix, pointer, besides string) {
		if slices.Contains(own[iface], p) {
			errs = append(errs, spec.FieldError{Pointer: pointer, Detail: fmt.Sprintf("%s is %s's own address: use one that no machine has%s", p.Addr(), iface, besides)})
		}
	}
	for i, p := range v.VirtualAddresses {
		report(v.Interface, p, fmt.Sprintf("/virtual_addresses/%d", i), ", or priority 255 here")
	}
	for i, x := range v.ExcludedAddresses {
		iface := x.Interface
		if iface == "" {
			iface = v.Interface
		}
		report(iface, x.Address, fmt.Sprintf("/excluded_addresses/%d/address", i), "")
	}
	return errs
}
