package vrrp

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Version is the version of VRRP that is spoken.
const Version = 3

// Numbers that the wire fixes.
const (
	// Protocol is VRRP's IP protocol number (RFC 9568 §5.1.1.4).
	Protocol = 112

	typeAdvertisement = 1
	headerLen         = 8                     // fixed part of a message (§5.2)
	intervalUnit      = 10 * time.Millisecond // Max Advertise Interval counts centiseconds (§5.2.7)
	intervalMask      = 0x0fff                // and has 12 bits, above it 4 reserved ones (§5.2.6)

	// priorityStop in an advert says that the active router stops (§5.2.4).
	priorityStop = 0
	// priorityOwner belongs to the router whose own addresses the virtual ones are (§5.2.4).
	priorityOwner = 255
)

// Packet is a VRRP advertisement (RFC 9568 §5.2).
type Packet struct {
	Version         uint8
	VirtualRouterID uint8
	// Priority is 1 to 254, 255 for the owner of the addresses, 0 when the active router stops.
	Priority uint8
	// Interval is the Max Advertise Interval: 10ms to 40.95s in steps of 10ms.
	Interval time.Duration
	// Addresses are in the sender's configured order.
	Addresses []netip.Addr
}

// Checksum says how the sender of an IPv4 advert computed its checksum.
type Checksum uint8

const (
	// ChecksumMessage covers the VRRP message alone, as RFC 9568 §5.2.8 says.
	ChecksumMessage Checksum = iota + 1
	// ChecksumPseudoHeader covers a pseudo-header, too, as RFC 5798 was widely read.
	ChecksumPseudoHeader
)

// AppendTo appends the message with RFC 9568's checksum for IPv4 to b.
func (p Packet) AppendTo(b []byte) []byte {
	start := len(b)
	b = append(b, p.Version<<4|typeAdvertisement, p.VirtualRouterID, p.Priority, uint8(len(p.Addresses)))
	b = binary.BigEndian.AppendUint16(b, uint16(p.Interval/intervalUnit)&intervalMask)
	b = append(b, 0, 0)
	for _, a := range p.Addresses {
		four := a.As4()
		b = append(b, four[:]...)
	}
	message := b[start:]
	binary.BigEndian.PutUint16(message[6:], ^fold(sum(message)))
	return b
}

// Parse reads the VRRP message of an IPv4 datagram that went from source to destination. The message
// is as long as the IP header says, not as the buffer. A reason other than "" means: drop it.
func Parse(message []byte, source, destination netip.Addr) (Packet, Checksum, DropReason) {
	if len(message) < headerLen {
		return Packet{}, 0, DropLength
	}
	if message[0]>>4 != Version {
		return Packet{}, 0, DropVersion
	}
	if message[0]&0x0f != typeAdvertisement {
		return Packet{}, 0, DropType
	}
	count := int(message[3])
	if len(message) < headerLen+4*count {
		return Packet{}, 0, DropLength
	}
	checksum := verify(message, source, destination)
	if checksum == 0 {
		return Packet{}, 0, DropChecksum
	}
	if count == 0 {
		return Packet{}, 0, DropCount
	}
	p := Packet{
		Version:         Version,
		VirtualRouterID: message[1],
		Priority:        message[2],
		Interval:        time.Duration(binary.BigEndian.Uint16(message[4:])&intervalMask) * intervalUnit,
		Addresses:       make([]netip.Addr, count),
	}
	if p.Interval == 0 {
		return Packet{}, 0, DropInterval
	}
	for i := range p.Addresses {
		p.Addresses[i] = netip.AddrFrom4([4]byte(message[headerLen+4*i:]))
	}
	return p, checksum, accepted
}

// verify returns which way of computing the checksum fits, or 0.
func verify(message []byte, source, destination netip.Addr) Checksum {
	s := sum(message)
	if fold(s) == 0xffff {
		return ChecksumMessage
	}
	src, dst := source.As4(), destination.As4()
	if fold(s+sum(src[:])+sum(dst[:])+Protocol+uint32(len(message))) == 0xffff {
		return ChecksumPseudoHeader
	}
	return 0
}

// sum adds up 16-bit words (RFC 1071). Nothing here is long enough to overflow it.
func sum(b []byte) uint32 {
	var s uint32
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
