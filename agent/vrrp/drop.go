package vrrp

import (
	"slices"
	"sync/atomic"
)

// DropReason says why a received datagram was dropped. It is the label of a counter, so that a
// malformed packet costs no more than that.
type DropReason string

// The reasons, in the order in which a datagram is looked at.
const (
	DropIPHeader    DropReason = "ip_header"    // not a whole IP datagram of protocol 112
	DropTTL         DropReason = "ttl"          // not sent by a neighbour, or from too far (RFC 9568 §5.1.1.3, §5.1.2.3)
	DropDestination DropReason = "destination"  // not sent to the group, or to our unicast address
	DropOwn         DropReason = "own"          // sent from our own address
	DropPeer        DropReason = "peer"         // sent by none of the unicast peers
	DropVersion     DropReason = "version"      // another version than the instance speaks (§7.1)
	DropLength      DropReason = "length"       // shorter than its own fields say (§7.1)
	DropType        DropReason = "type"         // not an advertisement (§5.2.2)
	DropChecksum    DropReason = "checksum"     // neither way of computing it fits (§5.2.8)
	DropCount       DropReason = "count"        // carries no address (§5.2.5, erratum 8299)
	DropInterval    DropReason = "interval"     // interval zero (§5.2.7, erratum 8301); version 2: not ours (RFC 3768 §7.1)
	DropAddress     DropReason = "address"      // IPv6, and the first address is not link-local (§5.2.9, erratum 8300)
	DropUnknownVRID DropReason = "unknown_vrid" // no instance of that id on the interface (§7.1)

	DropAuthentication DropReason = "authentication" // version 2: another type or password (RFC 3768 §7.1)
	DropOwner          DropReason = "owner"          // version 2: we own the addresses (RFC 3768 §7.1)

	DropBacklog DropReason = "backlog" // too many senders at once: see mailbox

	accepted DropReason = ""
)

const numDropReasons = 16

func dropReasons() [numDropReasons]DropReason {
	return [...]DropReason{DropIPHeader, DropTTL, DropDestination, DropOwn, DropPeer, DropVersion, DropLength, DropType,
		DropChecksum, DropCount, DropInterval, DropAddress, DropUnknownVRID, DropAuthentication, DropOwner, DropBacklog}
}

// dropCounts counts drops by reason. It is written by who reads from the port, and read by anybody.
type dropCounts [numDropReasons]atomic.Uint64

func (c *dropCounts) add(r DropReason) {
	reasons := dropReasons()
	if i := slices.Index(reasons[:], r); i >= 0 {
		c[i].Add(1)
	}
}

// counts returns the reasons that occurred.
func (c *dropCounts) counts() map[string]uint64 {
	var m map[string]uint64
	for i, r := range dropReasons() {
		if n := c[i].Load(); n > 0 {
			if m == nil {
				m = map[string]uint64{}
			}
			m[string(r)] = n
		}
	}
	return m
}
