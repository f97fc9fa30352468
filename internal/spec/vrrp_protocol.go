package spec

import (
	"fmt"
	"net/netip"
	"time"
)

// ChecksumCompatibility says how the checksum of an IPv4 advert of VRRP version 3 is computed when it is
// sent. Both ways are understood when they are received.
type ChecksumCompatibility string

// The two ways: over the message alone (RFC 9568 §5.2.8), and with the pseudo-header that many read in
// RFC 5798, keepalived among them.
const (
	ChecksumRFC9568 ChecksumCompatibility = "rfc9568"
	ChecksumRFC5798 ChecksumCompatibility = "rfc5798"
)

// ChecksumCompatibilities lists every ChecksumCompatibility.
func ChecksumCompatibilities() []string {
	return []string{string(ChecksumRFC9568), string(ChecksumRFC5798)}
}

// Limits of what adverts carry.
const (
	VRRPv2 = 2
	VRRPv3 = 3
	// MaxAuthPass is the length of version 2's authentication data in bytes (RFC 3768 §5.3.10).
	MaxAuthPass = 8
	// DefaultTTL is what tells an advert of a neighbour from one that was forwarded (RFC 9568 §5.1.1.3).
	DefaultTTL = 255
	// Version 2 counts whole seconds, in a byte (RFC 3768 §5.3.7).
	advertisementStepV2 = time.Second
	maxAdvertisementV2  = 255 * advertisementStepV2
)

// Family returns that of the virtual addresses. A virtual router has one (RFC 9568 §1).
func (v *VRRPInstance) Family() Family {
	if len(v.VirtualAddresses) == 0 {
		return IPv4
	}
	return FamilyOf(v.VirtualAddresses[0].Addr())
}

// Unicasts reports whether adverts go to known peers instead of a multicast group.
func (v *VRRPInstance) Unicasts() bool { return v.UnicastSource.IsValid() || len(v.UnicastPeers) > 0 }

// MinimumTTL is the least TTL or hop limit that an advert may arrive with.
func (v *VRRPInstance) MinimumTTL() int {
	switch {
	case !v.Unicasts():
		return DefaultTTL
	case v.UnicastMinimumTTL != 0:
		return v.UnicastMinimumTTL
	default:
		return v.UnicastTTL
	}
}

func (v *VRRPInstance) validateProtocol(errs *FieldErrors) {
	switch v.Version {
	case VRRPv2, VRRPv3:
	default:
		errs.add("/version", "%d is not known: use 2 or 3, one for an instance: none speaks both", v.Version)
	}
	v.validateInterval(errs)
	errs.oneOf("/checksum_compatibility", string(v.ChecksumCompatibility), ChecksumCompatibilities())
	if v.Version == VRRPv2 {
		if !v.AcceptMode {
			errs.add("/accept_mode", "VRRP version 2 has no Accept_Mode: leave it out, or use version 3")
		}
		if v.Family() == IPv6 {
			errs.add("/version", "VRRP version 2 has no IPv6: use 3")
		}
		if v.ChecksumCompatibility == ChecksumRFC5798 {
			errs.add("/checksum_compatibility", "VRRP version 2 has one checksum only: leave it out, or use version 3")
		}
	}
	v.validateAuthPass(errs)
}

// ValidateInterval reports what is wrong with the advertisement interval in the instance's version.
func (v *VRRPInstance) ValidateInterval() FieldErrors {
	var errs FieldErrors
	v.validateInterval(&errs)
	return errs
}

func (v *VRRPInstance) validateInterval(errs *FieldErrors) {
	d, step, longest := v.AdvertisementInterval.Std(), advertisementStep, maxAdvertisement
	if v.Version == VRRPv2 {
		step, longest = advertisementStepV2, maxAdvertisementV2
	}
	switch {
	case v.Version == VRRPv2 && d%step != 0:
		errs.add("/advertisement_interval", "%s is not whole seconds, all that VRRP version 2 knows: use %s to %s, or version 3",
			d, Duration(step), Duration(longest))
	case d < step || d > longest:
		errs.add("/advertisement_interval", "%s is out of range: use %s to %s", d, Duration(step), Duration(longest))
	case d%step != 0:
		errs.add("/advertisement_interval", "%s is not a multiple of %s, the unit of VRRP version 3", d, step)
	}
}

// validateAuthPass never says what the password is.
func (v *VRRPInstance) validateAuthPass(errs *FieldErrors) {
	switch {
	case v.AuthPass == "":
		return
	case v.Version != VRRPv2:
		errs.add("/auth_pass", "VRRP version 3 has no authentication (RFC 9568 §9): remove the password, or use version 2")
	case len(v.AuthPass) > MaxAuthPass:
		errs.add("/auth_pass", "the password has %d bytes, and an advert has room for %d: use a shorter one", len(v.AuthPass), MaxAuthPass)
	}
	for _, b := range []byte(v.AuthPass) {
		if b == 0 {
			errs.add("/auth_pass", "the password has a byte 0, which adverts fill up with: use another one")
			return
		}
	}
}

func (v *VRRPInstance) validateUnicast(errs *FieldErrors) {
	errs.within("/unicast_ttl", v.UnicastTTL, 1, DefaultTTL)
	if v.UnicastMinimumTTL != 0 {
		errs.within("/unicast_minimum_ttl", v.UnicastMinimumTTL, 1, DefaultTTL)
		if v.UnicastMinimumTTL > v.UnicastTTL {
			errs.add("/unicast_minimum_ttl", "%d is above unicast_ttl, which is %d: no director would hear another one", v.UnicastMinimumTTL, v.UnicastTTL)
		}
	}
	if !v.Unicasts() {
		return
	}
	if len(v.UnicastPeers) == 0 {
		errs.add("/unicast_peers", "unicast needs the address of at least one other router")
	}
	if !v.UnicastSource.IsValid() {
		errs.add("/unicast_source", "unicast needs an address of the interface that adverts come from")
	} else {
		v.validatePeer(errs, "/unicast_source", v.UnicastSource)
	}
	seen := map[netip.Addr]bool{}
	for i, peer := range v.UnicastPeers {
		at := fmt.Sprintf("/unicast_peers/%d", i)
		switch {
		case peer == v.UnicastSource:
			errs.add(at, "%s is the director's own unicast address: each needs its own", peer)
		case seen[peer]:
			errs.add(at, "%s stands in the list twice: each director needs its own unicast address", peer)
		default:
			v.validatePeer(errs, at, peer)
		}
		seen[peer] = true
	}
}

func (v *VRRPInstance) validatePeer(errs *FieldErrors, at string, a netip.Addr) {
	switch problem := unicast(a); {
	case problem != "":
		errs.add(at, "%s", problem)
	case FamilyOf(a) != v.Family():
		errs.add(at, "%s is %s, and the virtual addresses are %s: adverts travel in the family they are about", a, FamilyOf(a), v.Family())
	case v.carries(a):
		errs.add(at, "%s is a virtual address: it moves between directors, so use one that stays", a)
	}
}

func (v *VRRPInstance) carries(a netip.Addr) bool {
	for _, p := range v.VirtualAddresses {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// linkLocal6 is fe80::/10, from which the first address of an IPv6 virtual router comes.
func linkLocal6(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

func (v *VRRPInstance) validateAddresses(errs *FieldErrors) {
	switch n := len(v.VirtualAddresses); {
	case n == 0:
		errs.add("/virtual_addresses", "at least one virtual address is needed, such as 192.0.2.100/24")
	case n > MaxVirtualAddresses:
		errs.add("/virtual_addresses", "%d addresses do not fit into an advert: at most %d", n, MaxVirtualAddresses)
	}
	seen := map[netip.Addr]bool{}
	for i, p := range v.VirtualAddresses {
		at := fmt.Sprintf("/virtual_addresses/%d", i)
		switch problem := unicast(p.Addr()); {
		case problem != "":
			errs.add(at, "%s", problem)
		case FamilyOf(p.Addr()) != v.Family():
			errs.add(at, "%s is %s, and the first address is %s: make it a virtual router of its own, which may have the same virtual_router_id",
				p, FamilyOf(p.Addr()), v.Family())
		case i == 0 && p.Addr().Is6() && !linkLocal6(p.Addr()):
			errs.add(at, "%s is not link-local: the first address of an IPv6 virtual router is of fe80::/10 (RFC 9568 §5.2.9), such as fe80::%x/64",
				p, v.VirtualRouterID)
		case p.Addr().IsLoopback():
			errs.add(at, "%s is a loopback address: it cannot move between directors", p)
		case p.Bits() == 0:
			errs.add(at, "%s has no prefix length that an address could have: use the subnet's, or /%d", p, p.Addr().BitLen())
		case seen[p.Addr()]:
			errs.add(at, "%s stands in the list twice: remove one", p.Addr())
		}
		seen[p.Addr()] = true
	}
}
