package ipvs

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
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
	serviceStats     = 10
	serviceEngine    = 11
	serviceStats64   = 12
)

// Attributes of a destination, IPVS_DEST_ATTR_*.
const (
	destinationAddress        = 1
	destinationPort           = 2
	destinationForwarding     = 3
	destinationWeight         = 4
	destinationUpper          = 5
	destinationLower          = 6
	destinationActive         = 7
	destinationInactive       = 8
	destinationPersistent     = 9
	destinationStats          = 10
	destinationFamily         = 11
	destinationStats64        = 12
	destinationTunnelType     = 13
	destinationTunnelPort     = 14
	destinationTunnelChecksum = 15
)

// Attributes of the kernel's IPVS, IPVS_INFO_ATTR_*.
const infoVersion = 1

// The flag of a service with persistence, IP_VS_SVC_F_PERSISTENT. It stands in Persistence.
const flagPersistent = 0x0001

// key encodes what identifies a service.
func (e *encoder) key(k ServiceKey) {
	e.uint16(serviceFamily, uint16(k.Family()))
	if k.FirewallMark != 0 {
		e.uint32(serviceMark, k.FirewallMark)
		return
	}
	e.uint16(serviceProtocol, uint16(k.Protocol))
	e.address(serviceAddress, k.Address.Addr())
	e.port(servicePort, k.Address.Port())
}

// options encodes all that the kernel wants of a service, save its key.
func (e *encoder) options(o Options, f Family) {
	e.text(serviceScheduler, o.Scheduler)
	flags := uint32(o.Flags)
	if o.Persistence != (Persistence{}) {
		flags |= flagPersistent
	}
	var raw [8]byte // struct ip_vs_flags: the flags, and which of them to set
	binary.NativeEndian.PutUint32(raw[:], flags)
	binary.NativeEndian.PutUint32(raw[4:], uint32(settableFlags)|flagPersistent)
	e.bytes(serviceFlags, raw[:]...)
	e.uint32(serviceTimeout, o.Persistence.Timeout)
	e.uint32(serviceNetmask, netmask(o.Persistence, f))
	if o.Persistence.Engine != "" {
		e.text(serviceEngine, o.Persistence.Engine)
	}
}

// server encodes what identifies a destination.
func (e *encoder) server(server netip.AddrPort) {
	e.address(destinationAddress, server.Addr())
	e.port(destinationPort, server.Port())
	e.uint16(destinationFamily, uint16(familyOf(server.Addr())))
}

// destination encodes all that the kernel wants of a destination, save its key. Kernels before 5.2
// have no kinds of tunnel: what is theirs alone is said without a word about one.
func (e *encoder) destination(d Destination) {
	e.uint32(destinationForwarding, uint32(d.Forwarding))
	e.uint32(destinationWeight, d.Weight)
	e.uint32(destinationUpper, d.UpperThreshold)
	e.uint32(destinationLower, d.LowerThreshold)
	if d.Tunnel != (TunnelOptions{}) {
		e.uint8(destinationTunnelType, uint8(d.Tunnel.Type))
		e.port(destinationTunnelPort, d.Tunnel.Port)
		e.uint16(destinationTunnelChecksum, uint16(d.Tunnel.Checksum))
	}
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
func decodeService(message []byte) (ServiceKey, Options, Traffic, error) {
	body, err := inside(message, attrService)
	if err != nil {
		return ServiceKey{}, Options{}, Traffic{}, fmt.Errorf("decode service: %w", err)
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
	traffic := r.traffic(serviceStats, serviceStats64)
	if r.err != nil {
		return ServiceKey{}, Options{}, Traffic{}, fmt.Errorf("decode service: %w", r.err)
	}
	return key, options, traffic, nil
}

// decodeDestination reads an answer to IPVS_CMD_GET_DEST. Kernels before 3.18 do not say a
// destination's family: it is then its service's.
func decodeDestination(message []byte, service Family) (netip.AddrPort, Destination, DestinationStats, error) {
	body, err := inside(message, attrDestination)
	if err != nil {
		return netip.AddrPort{}, Destination{}, DestinationStats{}, fmt.Errorf("decode destination: %w", err)
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
	if d.Forwarding == Tunnel {
		d.Tunnel = TunnelOptions{
			Type:     TunnelType(r.uint8(destinationTunnelType)),
			Port:     r.port(destinationTunnelPort),
			Checksum: TunnelChecksum(r.uint16(destinationTunnelChecksum)),
		}
	}
	stats := DestinationStats{
		Connections: Connections{
			Active: r.uint32(destinationActive), Inactive: r.uint32(destinationInactive), Persistent: r.uint32(destinationPersistent),
		},
		Traffic: r.traffic(destinationStats, destinationStats64),
	}
	if r.err != nil {
		return netip.AddrPort{}, Destination{}, DestinationStats{}, fmt.Errorf("decode destination: %w", r.err)
	}
	return server, d, stats, nil
}

// traffic reads what is counted: from the attribute of 64 bits, IPVS_STATS_ATTR_*, or, on kernels
// before 4.1, from the older one, in which only bytes have as many.
func (r *reader) traffic(kind, kind64 uint16) Traffic {
	if r.has(kind64) {
		counts := r.within(kind64)
		return r.counted(&counts, counts.uint64, counts.uint64, counts.uint64)
	}
	counts := r.within(kind)
	narrow := func(kind uint16) uint64 { return uint64(counts.uint32(kind)) }
	return r.counted(&counts, narrow, counts.uint64, narrow)
}

// counted reads the ten numbers of traffic by their widths.
func (r *reader) counted(counts *reader, number, bytes, rate func(uint16) uint64) Traffic {
	t := Traffic{
		Total: Counts{
			Connections: number(1), IncomingPackets: number(2), OutgoingPackets: number(3), IncomingBytes: bytes(4), OutgoingBytes: bytes(5),
		},
		PerSecond: Counts{
			Connections: rate(6), IncomingPackets: rate(7), OutgoingPackets: rate(8), IncomingBytes: rate(9), OutgoingBytes: rate(10),
		},
	}
	if r.err == nil {
		r.err = counts.err
	}
	return t
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
