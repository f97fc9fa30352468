package vrrp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// The versions that are spoken, one by an instance.
const (
	Version2 = 2 // RFC 3768, IPv4 only
	Version3 = 3 // RFC 9568
)

// Numbers that the wire fixes.
const (
	// Protocol is VRRP's IP protocol number (RFC 9568 §5.1.1.4).
	Protocol = 112

	typeAdvertisement = 1
	headerLen         = 8                     // fixed part of a message (§5.2)
	intervalUnit      = 10 * time.Millisecond // Max Advertise Interval counts centiseconds (§5.2.7)
	intervalMask      = 0x0fff                // and has 12 bits, above it 4 reserved ones (§5.2.6)

	intervalUnitV2    = time.Second // RFC 3768 §5.3.7
	authenticationLen = 8           // ends a message of version 2, whatever its type (RFC 3768 §5.3.10)

	// priorityStop in an advert says that the active router stops (§5.2.4).
	priorityStop = 0
	// priorityOwner belongs to the router whose own addresses the virtual ones are (§5.2.4).
	priorityOwner = 255
)

// Packet is a VRRP advertisement (RFC 9568 §5.2, RFC 3768 §5.3).
type Packet struct {
	// Version is 2 or 3.
	Version         uint8
	VirtualRouterID uint8
	// Priority is 1 to 254, 255 for the owner of the addresses, 0 when the active router stops.
	Priority uint8
	// Interval is the Max Advertise Interval: 10ms to 40.95s in steps of 10ms; in version 2 1s to 255s in
	// steps of 1s.
	Interval time.Duration
	// Addresses are of the family of the IP header, in the sender's configured order.
	Addresses []netip.Addr
	// Authentication is version 2's.
	Authentication Authentication
}

// Authentication ends an advert of version 2.
type Authentication struct {
	Type AuthenticationType
	// Data is a password, filled up with zeros. It means nothing without authentication.
	Data [authenticationLen]byte
}

// AuthenticationType is a number from RFC 2338 §5.3.6. The third one, IP Authentication Header, is not
// spoken: RFC 3768 has done away with it.
type AuthenticationType uint8

// The types.
const (
	AuthenticationNone     AuthenticationType = 0
	AuthenticationPassword AuthenticationType = 1
)

// passwordAuthentication is that of a password; "" is none.
func passwordAuthentication(password string) (a Authentication) {
	if password != "" {
		a.Type = AuthenticationPassword
		copy(a.Data[:], password)
	}
	return a
}

// matches reports whether a router that is configured with a takes an advert with other (RFC 3768 §7.1).
func (a Authentication) matches(other Authentication) bool {
	return a.Type == other.Type && (a.Type == AuthenticationNone || a.Data == other.Data)
}

// Checksum says how the sender of an advert computed its checksum.
type Checksum uint8

const (
	// ChecksumMessage covers the VRRP message alone, as RFC 9568 §5.2.8 says for IPv4, and version 2 always.
	ChecksumMessage Checksum = iota + 1
	// ChecksumPseudoHeader covers a pseudo-header, too, as it must for IPv6. For IPv4 RFC 5798 was widely
	// read so.
	ChecksumPseudoHeader
)

// checksumFor returns how an advert must be computed; preferred decides where there is a choice.
func checksumFor(version uint8, destination netip.Addr, preferred Checksum) Checksum {
	switch {
	case destination.Is6():
		return ChecksumPseudoHeader
	case version == Version2 || preferred == 0:
		return ChecksumMessage
	default:
		return preferred
	}
}

// AppendTo appends the message of a datagram from source to destination to b. preferred is how the
// checksum is computed for version 3 and IPv4; elsewhere there is no choice.
func (p Packet) AppendTo(b []byte, source, destination netip.Addr, preferred Checksum) []byte {
	start := len(b)
	b = append(b, p.Version<<4|typeAdvertisement, p.VirtualRouterID, p.Priority, uint8(len(p.Addresses)))
	if p.Version == Version2 {
		b = append(b, uint8(p.Authentication.Type), uint8(p.Interval/intervalUnitV2))
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(p.Interval/intervalUnit)&intervalMask)
	}
	b = append(b, 0, 0)
	for _, a := range p.Addresses {
		b = appendAddr(b, a)
	}
	if p.Version == Version2 {
		b = append(b, p.Authentication.Data[:]...)
	}
	message := b[start:]
	s := sum(message)
	if checksumFor(p.Version, destination, preferred) == ChecksumPseudoHeader {
		s += pseudoHeader(len(message), source, destination)
	}
	binary.BigEndian.PutUint16(message[6:], ^fold(s))
	return b
}

// Parse reads the message of a datagram that went from source to destination, for a router that speaks
// that version. The message is as long as the IP header says, not as the buffer. A reason other than ""
// means: drop it.
func Parse(message []byte, version uint8, source, destination netip.Addr) (Packet, Checksum, DropReason) {
	return parseInto(message, version, source, destination, nil)
}

// parseInto is Parse with room for the addresses, which it grows if need be.
func parseInto(message []byte, version uint8, source, destination netip.Addr, room []netip.Addr) (Packet, Checksum, DropReason) {
	if len(message) < headerLen {
		return Packet{}, 0, DropLength
	}
	if message[0]>>4 != version {
		return Packet{}, 0, DropVersion
	}
	if message[0]&0x0f != typeAdvertisement {
		return Packet{}, 0, DropType
	}
	count, size := int(message[3]), source.BitLen()/8
	end := headerLen + count*size
	if len(message) < end || version == Version2 && len(message) < end+authenticationLen {
		return Packet{}, 0, DropLength
	}
	checksum := verify(message, version, source, destination)
	if checksum == 0 {
		return Packet{}, 0, DropChecksum
	}
	if count == 0 {
		return Packet{}, 0, DropCount
	}
	p := Packet{
		Version:         version,
		VirtualRouterID: message[1],
		Priority:        message[2],
		Interval:        time.Duration(binary.BigEndian.Uint16(message[4:])&intervalMask) * intervalUnit,
		Addresses:       slices.Grow(room[:0], count)[:count],
	}
	if version == Version2 {
		p.Interval = time.Duration(message[5]) * intervalUnitV2
		p.Authentication = Authentication{Type: AuthenticationType(message[4]), Data: [authenticationLen]byte(message[end:])}
	}
	if p.Interval == 0 {
		return Packet{}, 0, DropInterval
	}
	for i := range p.Addresses {
		p.Addresses[i], _ = netip.AddrFromSlice(message[headerLen+i*size : headerLen+(i+1)*size]) // 4 or 16 bytes
	}
	if first := p.Addresses[0]; first.Is6() && !first.IsLinkLocalUnicast() {
		return Packet{}, 0, DropAddress
	}
	return p, checksum, accepted
}

// verify returns which way of computing the checksum fits, or 0.
func verify(message []byte, version uint8, source, destination netip.Addr) Checksum {
	s := sum(message)
	if destination.Is4() && fold(s) == 0xffff {
		return ChecksumMessage
	}
	if version != Version2 && fold(s+pseudoHeader(len(message), source, destination)) == 0xffff {
		return ChecksumPseudoHeader
	}
	return 0
}

// pseudoHeader is the sum of RFC 8200 §8.1, and of RFC 9293 §3.1 for IPv4: they have the same parts.
func pseudoHeader(length int, source, destination netip.Addr) uint32 {
	return sumAddr(source) + sumAddr(destination) + Protocol + uint32(length)
}

func sumAddr(a netip.Addr) uint32 {
	if a.Is4() {
		b := a.As4()
		return sum(b[:])
	}
	b := a.As16()
	return sum(b[:])
}

func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		four := a.As4()
		return append(b, four[:]...)
	}
	sixteen := a.As16()
	return append(b, sixteen[:]...)
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
