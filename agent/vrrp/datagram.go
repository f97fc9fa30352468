package vrrp

import (
	"encoding/binary"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	ipv4HeaderLen = 20
	ipv6HeaderLen = 40
	// ttlNeighbour tells what a neighbour sent from what was forwarded (RFC 9568 §5.1.1.3, §5.1.2.3).
	ttlNeighbour = 255
	// trafficClass is internetwork control (RFC 791): queues that know it let adverts pass first.
	trafficClass = 0xc0
)

// group returns VRRP's multicast group (RFC 9568 §5.1.1.2, §5.1.2.2).
func group(f spec.Family) netip.Addr {
	if f == spec.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
	}
	return netip.AddrFrom4([4]byte{224, 0, 0, 18})
}

// datagram is an IP datagram that carries VRRP. TTL is IPv6's hop limit, too.
type datagram struct {
	source, destination netip.Addr
	ttl                 uint8
	message             []byte
}

// appendHeader appends an IP header in front of a message of that length. Headers are our own work,
// because the source must be the interface's primary or link-local address (RFC 9568 §5.1.1.1,
// §5.1.2.1) whatever a routing table may prefer.
func appendHeader(b []byte, source, destination netip.Addr, ttl uint8, length int) []byte {
	if destination.Is6() {
		b = append(b, 6<<4|trafficClass>>4, trafficClass&0x0f<<4, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(length))
		b = append(b, Protocol, ttl)
		return appendAddr(appendAddr(b, source), destination)
	}
	start := len(b)
	b = append(b, 4<<4|ipv4HeaderLen/4, trafficClass, 0, 0, 0, 0, 0, 0, ttl, Protocol, 0, 0)
	b = appendAddr(appendAddr(b, source), destination)
	header := b[start:]
	binary.BigEndian.PutUint16(header[2:], uint16(ipv4HeaderLen+length))
	binary.BigEndian.PutUint16(header[10:], ^fold(sum(header)))
	return b
}

// appendDatagram appends an advert with its IP header to b.
func appendDatagram(b []byte, source, destination netip.Addr, ttl uint8, p Packet, preferred Checksum) []byte {
	length := headerLen + len(p.Addresses)*source.BitLen()/8
	if p.Version == Version2 {
		length += authenticationLen
	}
	b = appendHeader(b, source, destination, ttl, length)
	return p.AppendTo(b, source, destination, preferred)
}

// splitDatagram reads the IP header; its version says which family the message is of (RFC 9568 §5.2.9).
// What follows the datagram in the buffer (Ethernet padding) is no part of the message.
func splitDatagram(b []byte) (datagram, DropReason) {
	if len(b) == 0 {
		return datagram{}, DropIPHeader
	}
	switch b[0] >> 4 {
	case 4:
		return splitIPv4(b)
	case 6:
		return splitIPv6(b)
	default:
		return datagram{}, DropIPHeader
	}
}

func splitIPv4(b []byte) (datagram, DropReason) {
	if len(b) < ipv4HeaderLen || b[9] != Protocol {
		return datagram{}, DropIPHeader
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4HeaderLen || total < header || total > len(b) {
		return datagram{}, DropIPHeader
	}
	return datagram{
		source:      netip.AddrFrom4([4]byte(b[12:])),
		destination: netip.AddrFrom4([4]byte(b[16:])),
		ttl:         b[8],
		message:     b[header:total],
	}, accepted
}

// splitIPv6 knows no extension headers: a socket has stripped them.
func splitIPv6(b []byte) (datagram, DropReason) {
	if len(b) < ipv6HeaderLen || b[6] != Protocol {
		return datagram{}, DropIPHeader
	}
	total := ipv6HeaderLen + int(binary.BigEndian.Uint16(b[4:]))
	if total > len(b) {
		return datagram{}, DropIPHeader
	}
	return datagram{
		source:      netip.AddrFrom16([16]byte(b[8:])),
		destination: netip.AddrFrom16([16]byte(b[24:])),
		ttl:         b[7],
		message:     b[ipv6HeaderLen:total],
	}, accepted
}

// destinationOf returns where a datagram that appendDatagram made goes.
func destinationOf(b []byte) netip.Addr {
	if b[0]>>4 == 6 {
		return netip.AddrFrom16([16]byte(b[24:]))
	}
	return netip.AddrFrom4([4]byte(b[16:]))
}
