package vrrp

import (
	"net/netip"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// transport is how the adverts of an instance look and travel, beside what its machine knows.
type transport struct {
	family         spec.Family
	checksum       Checksum
	authentication Authentication
	// peers are whom adverts go to and come from; none: all in the group.
	peers []netip.Addr
	// ttl is what adverts are sent with, minimumTTL the least that they may arrive with.
	ttl, minimumTTL uint8
}

func transportOf(v spec.VRRPInstance) transport {
	t := transport{
		family:         v.Family(),
		checksum:       ChecksumMessage,
		authentication: passwordAuthentication(string(v.AuthPass)),
		peers:          v.UnicastPeers,
		ttl:            ttlNeighbour,
		minimumTTL:     uint8(v.MinimumTTL()),
	}
	if v.ChecksumCompatibility == spec.ChecksumRFC5798 {
		t.checksum = ChecksumPseudoHeader
	}
	if v.Unicasts() {
		t.ttl = uint8(v.UnicastTTL)
	}
	return t
}

func (t *transport) equal(other *transport) bool {
	return t.family == other.family && t.checksum == other.checksum && t.authentication == other.authentication &&
		t.ttl == other.ttl && t.minimumTTL == other.minimumTTL && slices.Equal(t.peers, other.peers)
}

// judgePath says whether a datagram came the way that adverts to us do.
func (t *transport) judgePath(d datagram, own netip.Addr) DropReason {
	switch {
	case d.ttl < t.minimumTTL:
		return DropTTL
	case len(t.peers) == 0 && d.destination != group(t.family),
		len(t.peers) > 0 && d.destination != own:
		return DropDestination
	case d.source == own:
		return DropOwn
	case len(t.peers) > 0 && !slices.Contains(t.peers, d.source):
		return DropPeer
	}
	return accepted
}

// judgeStranger says why a datagram that belongs to no router is dropped.
func judgeStranger(d datagram) DropReason {
	switch {
	case d.ttl != ttlNeighbour:
		return DropTTL
	case d.destination != group(spec.FamilyOf(d.destination)):
		return DropDestination
	case len(d.message) < headerLen:
		return DropLength
	}
	return DropUnknownVRID
}

// judgePacket says whether an advert that was read is one for a router with these parameters. Version 3
// takes what version 2 drops: another interval, and an advert for the owner (RFC 9568 §7.1, RFC 3768
// §7.1).
func (t *transport) judgePacket(p Packet, own Parameters) DropReason {
	if p.Version != Version2 {
		return accepted
	}
	switch {
	case !t.authentication.matches(p.Authentication):
		return DropAuthentication
	case own.Priority == priorityOwner:
		return DropOwner
	case p.Interval != own.Interval:
		return DropInterval
	}
	return accepted
}
