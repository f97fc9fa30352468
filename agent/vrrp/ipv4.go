package vrrp

import (
	"encoding/binary"
	"net/netip"
)

const (
	ipv4HeaderLen = 20
	ipv4TTL       = 255  // RFC 9568 §5.1.1.3
	ipv4TOS       = 0xc0 // internetwork control (RFC 791): queues that know it let adverts pass first
)

// group is VRRP's multicast group (RFC 9568 §5.1.1.2).
func group() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 18}) }

// appendDatagram appends an advert with its IPv4 header to b. The header is our own work, because the
// source must be the interface's primary address (§5.1.1.1) whatever a routing table may prefer.
func appendDatagram(b []byte, source netip.Addr, p Packet) []byte {
	start := len(b)
	b = append(b, 4<<4|ipv4HeaderLen/4, ipv4TOS, 0, 0, 0, 0, 0, 0, ipv4TTL, Protocol, 0, 0)
	src, dst := source.As4(), group().As4()
	b = append(append(b, src[:]...), dst[:]...)
	b = p.AppendTo(b)
	header := b[start : start+ipv4HeaderLen]
	binary.BigEndian.PutUint16(header[2:], uint16(len(b)-start))
	binary.BigEndian.PutUint16(header[10:], ^fold(sum(header)))
	return b
}

// splitDatagram reads the IPv4 header and returns the source and the VRRP message. What follows the
// datagram in the buffer (Ethernet padding) is no part of the message. The message is returned also
// when the datagram is to be dropped, as far as it is one, to know whose it would have been.
func splitDatagram(b []byte) (source netip.Addr, message []byte, _ DropReason) {
	if len(b) < ipv4HeaderLen || b[0]>>4 != 4 || b[9] != Protocol {
		return netip.Addr{}, nil, DropIPHeader
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4HeaderLen || total < header || total > len(b) {
		return netip.Addr{}, nil, DropIPHeader
	}
	source, message = netip.AddrFrom4([4]byte(b[12:])), b[header:total]
	switch {
	case b[8] != ipv4TTL:
		return source, message, DropTTL
	case netip.AddrFrom4([4]byte(b[16:])) != group():
		return source, message, DropDestination
	}
	return source, message, accepted
}
