package spec

import (
	"fmt"
	"hash/fnv"
)

// VirtualLink is the network interface of a virtual router: a macvlan on the instance's interface that has
// the virtual router's MAC (RFC 9568 §7.3).
type VirtualLink struct {
	Name   string `json:"name"`
	Parent string `json:"parent"`
	// MAC is written as 00:00:5e:00:01:33.
	MAC string `json:"mac"`
}

// VirtualLink returns the network interface that an instance with virtual_mac has for itself.
//
// Its name says family and VRID, and ends in 24 bits of a hash of the parent's name, so that the same VRID
// on two interfaces makes two names of at most 15 bytes, all that the kernel takes.
func (v *VRRPInstance) VirtualLink() (l VirtualLink, has bool) {
	if !v.VirtualMAC {
		return VirtualLink{}, false
	}
	version := 4
	if v.Family() == IPv6 {
		version = 6
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(v.Interface)) // a hash takes everything
	return VirtualLink{
		Name:   fmt.Sprintf("vr%d-%d-%06x", version, v.VirtualRouterID, sum.Sum32()>>8),
		Parent: v.Interface,
		MAC:    VirtualMAC(v.VirtualRouterID, v.Family()),
	}, true
}

// VirtualMAC returns the MAC of a virtual router (RFC 9568 §7.3), written as 00:00:5e:00:01:33.
func VirtualMAC(virtualRouterID int, f Family) string {
	block := 1
	if f == IPv6 {
		block = 2
	}
	return fmt.Sprintf("00:00:5e:00:%02x:%02x", block, virtualRouterID)
}
