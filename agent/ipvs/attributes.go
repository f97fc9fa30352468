package ipvs

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"net"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink/nl"
)

// Attributes at the top of a message, IPVS_CMD_ATTR_* of ip_vs.h.
const (
	attrService     = 1
	attrDestination = 2
)

// Attributes of a service, IPVS_SVC_ATTR_*.
const (
	serviceFamily    = 1
	serviceProtocol  = 2
	serviceAddress   = 3
	servicePort      = 4
	serviceMark      = 5
	serviceScheduler = 6
	serviceFlags     = 7
	serviceTimeout   = 8
	serviceNetmask   = 9
	serviceEngine    = 11
)

// Attributes of a destination, IPVS_DEST_ATTR_*.
const (
	destinationAddress    = 1
	destinationPort       = 2
	destinationForwarding = 3
	destinationWeight     = 4
	destinationUpper      = 5
	destinationLower      = 6
	destinationActive     = 7
	destinationInactive   = 8
	destinationFamily     = 11
)

// Attributes of the kernel's IPVS, IPVS_INFO_ATTR_*.
const infoVersion = 1

// The flag of a service with persistence, IP_VS_SVC_F_PERSISTENT. It stands in Persistence.
const flagPersistent = 0x0001

// keyAttribute encodes what identifies a service.
func keyAttribute(k ServiceKey) *nl.RtAttr {
	a := nl.NewRtAttr(attrService, nil)
	a.AddRtAttr(serviceFamily, nl.Uint16Attr(uint16(k.Family())))
	if k.FirewallMark != 0 {
		a.AddRtAttr(serviceMark, nl.Uint32Attr(k.FirewallMark))
		return a
	}
	a.AddRtAttr(serviceProtocol, nl.Uint16Attr(uint16(k.Protocol)))
	a.AddRtAttr(serviceAddress, k.Address.Addr().AsSlice())
	a.AddRtAttr(servicePort, nl.BEUint16Attr(k.Address.Port()))
	return a
}

// destinationAttribute encodes a destination. The kernel wants all of it, also for a deletion.
func destinationAttribute(server netip.AddrPort, d Destination) *nl.RtAttr {
	a := nl.NewRtAttr(attrDestination, nil)
	a.AddRtAttr(destinationAddress, server.Addr().AsSlice())
	a.AddRtAttr(destinationPort, nl.BEUint16Attr(server.Port()))
	a.AddRtAttr(destinationForwarding, nl.Uint32Attr(uint32(d.Forwarding)))
	a.AddRtAttr(destinationWeight, nl.Uint32Attr(d.Weight))
	a.AddRtAttr(destinationUpper, nl.Uint32Attr(d.UpperThreshold))
	a.AddRtAttr(destinationLower, nl.Uint32Attr(d.LowerThreshold))
	a.AddRtAttr(destinationFamily, nl.Uint16Attr(uint16(familyOf(server.Addr()))))
	return a
}

// netmask encodes a prefix length as the kernel keeps it: an IPv4 mask in network order, an IPv6
// prefix length in the machine's.
func netmask(p Persistence, f Family) uint32 {
	switch {
	case f == IPv4 && p == (Persistence{}):
		return 0xffffffff
	case f == IPv4:
		return binary.NativeEndian.Uint32(net.CIDRMask(int(p.PrefixLength), 32))
	case p == (Persistence{}):
		return 128
	}
	return uint32(p.PrefixLength)
}

func prefixLength(mask uint32, f Family) uint8 {
	if f == IPv6 {
		return uint8(min(mask, 128))
	}
	var raw [4]byte
	binary.NativeEndian.PutUint32(raw[:], mask)
	return uint8(bits.LeadingZeros32(^binary.BigEndian.Uint32(raw[:])))
}

// decodeService reads an answer to IPVS_CMD_GET_SERVICE.
func decodeService(message []byte) (ServiceKey, Options, error) {
	body, err := inside(message, attrService)
	if err != nil {
		return ServiceKey{}, Options{}, fmt.Errorf("decode service: %w", err)
	}
	r := newReader(body)
	family := Family(r.uint16(serviceFamily))
	var key ServiceKey
	if mark := r.uint32(serviceMark); mark != 0 {
		key = MarkKey(mark, family)
	} else {
		address := netip.AddrPortFrom(r.address(serviceAddress, family), r.port(servicePort))
		key = AddressKey(Protocol(r.uint16(serviceProtocol)), address)
	}
	flags := r.uint32(serviceFlags)
	options := Options{Scheduler: r.text(serviceScheduler), Flags: Flags(flags) & settableFlags}
	if flags&flagPersistent != 0 {
		options.Persistence = Persistence{
			Timeout:      r.uint32(serviceTimeout),
			PrefixLength: prefixLength(r.uint32(serviceNetmask), family),
			Engine:       r.text(serviceEngine),
		}
	}
	if r.err != nil {
		return ServiceKey{}, Options{}, fmt.Errorf("decode service: %w", r.err)
	}
	return key, options, nil
}

// decodeDestination reads an answer to IPVS_CMD_GET_DEST. Kernels before 3.18 do not say a
// destination's family: it is then its service's.
func decodeDestination(message []byte, service Family) (netip.AddrPort, Destination, Connections, error) {
	body, err := inside(message, attrDestination)
	if err != nil {
		return netip.AddrPort{}, Destination{}, Connections{}, fmt.Errorf("decode destination: %w", err)
	}
	r := newReader(body)
	family := service
	if f := Family(r.uint16(destinationFamily)); f != 0 {
		family = f
	}
	server := netip.AddrPortFrom(r.address(destinationAddress, family), r.port(destinationPort))
	d := Destination{
		Forwarding:     Forwarding(r.uint32(destinationForwarding)) & forwardingMask,
		Weight:         r.uint32(destinationWeight),
		UpperThreshold: r.uint32(destinationUpper),
		LowerThreshold: r.uint32(destinationLower),
	}
	c := Connections{Active: r.uint32(destinationActive), Inactive: r.uint32(destinationInactive)}
	if r.err != nil {
		return netip.AddrPort{}, Destination{}, Connections{}, fmt.Errorf("decode destination: %w", r.err)
	}
	return server, d, c, nil
}

// decodeInfo reads the version from an answer to IPVS_CMD_GET_INFO: 1.2.1.
func decodeInfo(message []byte) (version string, err error) {
	if len(message) < headerLength {
		return "", errShort
	}
	r := newReader(message[headerLength:])
	v := r.uint32(infoVersion)
	if r.err != nil {
		return "", fmt.Errorf("decode info: %w", r.err)
	}
	return fmt.Sprintf("%d.%d.%d", v>>16&0xff, v>>8&0xff, v&0xff), nil
}

// length of the generic netlink header before the attributes
const headerLength = nl.SizeofGenlmsg

var errShort = fmt.Errorf("the message is cut short")

// inside returns the content of the first attribute of that type.
func inside(message []byte, kind uint16) ([]byte, error) {
	if len(message) < headerLength {
		return nil, errShort
	}
	for k, value := range attributes(message[headerLength:]) {
		if k == kind {
			return value, nil
		}
	}
	return nil, fmt.Errorf("attribute %d is missing", kind)
}

// attributes goes through the attributes in b by type. It ends at the first that does not fit.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	const head, typeMask = 4, 0x3fff // NLA_TYPE_MASK
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= head {
			length := int(binary.NativeEndian.Uint16(b))
			if length < head || length > len(b) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(b[2:])&typeMask, b[head:length]) {
				return
			}
			b = b[min((length+3)&^3, len(b)):]
		}
	}
}

// reader reads values by attribute type. What is absent reads as zero, what is too short is an error.
type reader struct {
	values map[uint16][]byte
	err    error
}

func newReader(b []byte) *reader {
	r := &reader{values: map[uint16][]byte{}}
	for kind, value := range attributes(b) {
		r.values[kind] = value
	}
	return r
}

// bytes returns n bytes of an attribute, zeros if it is absent or too short.
func (r *reader) bytes(kind uint16, n int) []byte {
	value, ok := r.values[kind]
	if len(value) >= n {
		return value[:n]
	}
	if ok && r.err == nil {
		r.err = fmt.Errorf("attribute %d has %d bytes, want %d", kind, len(value), n)
	}
	return make([]byte, n)
}

func (r *reader) uint16(kind uint16) uint16 { return binary.NativeEndian.Uint16(r.bytes(kind, 2)) }
func (r *reader) uint32(kind uint16) uint32 { return binary.NativeEndian.Uint32(r.bytes(kind, 4)) }
func (r *reader) port(kind uint16) uint16   { return binary.BigEndian.Uint16(r.bytes(kind, 2)) }

func (r *reader) text(kind uint16) string {
	s, _, _ := strings.Cut(string(r.values[kind]), "\x00")
	return s
}

// address reads an address. The kernel always sends the 16 bytes of its union nf_inet_addr.
func (r *reader) address(kind uint16, f Family) netip.Addr {
	n := 16
	if f == IPv4 {
		n = 4
	} else if f != IPv6 && r.err == nil {
		r.err = fmt.Errorf("address family %d is not known", f)
	}
	a, _ := netip.AddrFromSlice(r.bytes(kind, n))
	return a
}
