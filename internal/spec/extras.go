package spec

import (
	"fmt"
	"math"
	"net/netip"
)

// ExcludedAddress is an address that goes with a virtual router and is not in its adverts: it may be of
// any family and on any interface.
type ExcludedAddress struct {
	Address   netip.Prefix `json:"address" doc:"address with prefix length, IPv4 or IPv6"`
	Interface string       `json:"interface,omitempty" doc:"network interface that carries it; the instance's where it is left out"`
}

// VirtualRoute is a route that a director has while it is active.
type VirtualRoute struct {
	Destination netip.Prefix `json:"destination" doc:"network that it leads to; 0.0.0.0/0 or ::/0 is the default route"`
	Via         netip.Addr   `json:"via,omitzero" doc:"next router; left out, the network is on the link"`
	Interface   string       `json:"interface,omitempty" doc:"network interface; the instance's where it is left out"`
	Source      netip.Addr   `json:"source,omitzero" doc:"preferred source address, usually a virtual one"`
	Metric      int          `json:"metric,omitempty" minimum:"0" maximum:"4294967295" doc:"lower ones are preferred; left out, the kernel's default"`
	Table       int          `json:"table,omitempty" minimum:"0" maximum:"4294967295" doc:"routing table; left out, the main one"`
}

// MaxAddresses is how many addresses of one family a virtual router may have, excluded ones included. The
// time it takes the kernel to add one to an interface grows with those that are there.
const MaxAddresses = 1000

// validateExtras reports what is wrong with what goes with the virtual addresses.
func (v *VRRPInstance) validateExtras(errs *FieldErrors) {
	taken := map[netip.Addr]bool{}
	for _, p := range v.VirtualAddresses {
		taken[p.Addr()] = true
	}
	for i, x := range v.ExcludedAddresses {
		at := fmt.Sprintf("/excluded_addresses/%d", i)
		if x.Interface != "" {
			errs.interfaceName(at+"/interface", x.Interface)
		}
		if problem := virtualAddress(x.Address); problem != "" {
			errs.add(at+"/address", "%s", problem)
		} else if taken[x.Address.Addr()] {
			errs.add(at+"/address", "%s stands twice among the instance's addresses: remove one", x.Address.Addr())
		}
		taken[x.Address.Addr()] = true
	}
	families := map[bool]int{}
	for a := range taken {
		families[a.Is4()]++
	}
	for is4, n := range families {
		if n > MaxAddresses {
			errs.add("/excluded_addresses", "with the virtual addresses they are %d of IPv%d: at most %d belong to one instance; use another one for the rest",
				n, map[bool]int{true: 4, false: 6}[is4], MaxAddresses)
		}
	}
	v.validateRoutes(errs)
}

func (v *VRRPInstance) validateRoutes(errs *FieldErrors) {
	type key struct {
		destination   netip.Prefix
		metric, table int
	}
	seen := map[key]bool{}
	for i, r := range v.VirtualRoutes {
		at := fmt.Sprintf("/virtual_routes/%d", i)
		switch d := r.Destination; {
		case !d.IsValid():
			errs.add(at+"/destination", "a network is needed, such as 198.51.100.0/24")
			continue
		case d.Addr().Is4In6():
			errs.add(at+"/destination", "%s is IPv4 inside IPv6: write it as IPv4", d)
		case d != d.Masked():
			errs.add(at+"/destination", "%s has bits behind its prefix length: write %s", d, d.Masked())
		}
		for name, a := range map[string]netip.Addr{"/via": r.Via, "/source": r.Source} {
			if !a.IsValid() {
				continue
			}
			if problem := unicast(a); problem != "" {
				errs.add(at+name, "%s", problem)
			} else if a.Is4() != r.Destination.Addr().Is4() {
				errs.add(at+name, "%s is not of the family of %s: use an address of that family", a, r.Destination)
			}
		}
		if r.Interface != "" {
			errs.interfaceName(at+"/interface", r.Interface)
		}
		errs.within(at+"/metric", r.Metric, 0, math.MaxUint32)
		errs.within(at+"/table", r.Table, 0, math.MaxUint32)
		k := key{r.Destination, r.Metric, r.Table}
		if seen[k] {
			errs.add(at, "%s stands in the list twice with the same metric and table: remove one", r.Destination)
		}
		seen[k] = true
	}
}

// virtualAddress reports why an address cannot move between directors, or "".
func virtualAddress(p netip.Prefix) string {
	switch problem := unicast(p.Addr()); {
	case problem != "":
		return problem
	case p.Addr().IsLoopback():
		return fmt.Sprintf("%s is a loopback address: it cannot move between directors", p)
	case p.Bits() == 0:
		return fmt.Sprintf("%s has no prefix length that an address could have: use the subnet's, or that of one host", p)
	}
	return ""
}

// interfaceName reports a name that no network interface can have.
func (e *FieldErrors) interfaceName(pointer, name string) {
	if !isInterfaceName(name) {
		e.add(pointer, "%s", notAnInterface(name))
	}
}

// on is the interface that carries the address, in an instance on iface.
func (x ExcludedAddress) on(iface string) string {
	if x.Interface == "" {
		return iface
	}
	return x.Interface
}

// AddressesOn returns all addresses of the instance by the interface that carries them.
func (v *VRRPInstance) AddressesOn() map[string][]netip.Prefix {
	all := map[string][]netip.Prefix{v.Interface: append([]netip.Prefix(nil), v.VirtualAddresses...)}
	for _, x := range v.ExcludedAddresses {
		iface := x.on(v.Interface)
		all[iface] = append(all[iface], x.Address)
	}
	return all
}

// holds reports whether an address is one of the instance's. Link-local ones are one for each interface.
func (v *VRRPInstance) holds(iface string, a netip.Addr) bool {
	for on, list := range v.AddressesOn() {
		for _, p := range list {
			if p.Addr() == a && (on == iface || !linkLocal6(a)) {
				return true
			}
		}
	}
	return false
}

// Routes returns the virtual routes with the interface and table of each.
func (v *VRRPInstance) Routes() []VirtualRoute {
	routes := make([]VirtualRoute, len(v.VirtualRoutes))
	for i, r := range v.VirtualRoutes {
		if r.Interface == "" {
			r.Interface = v.Interface
		}
		if r.Table == 0 {
			r.Table = mainTable
		}
		routes[i] = r
	}
	return routes
}

// mainTable is RT_TABLE_MAIN (linux/rtnetlink.h).
const mainTable = 254
