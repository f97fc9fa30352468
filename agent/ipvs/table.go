package ipvs

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/ipvs"
)

// Table is the services of a network namespace and their destinations, as far as they can be set. What
// the kernel counts is apart from it: see Stats.
type Table map[ServiceKey]Service

// Service is a virtual service.
type Service struct {
	Options
	// Destinations are the real servers by address and port.
	Destinations map[netip.AddrPort]Destination
}

// Options is all of a service that can be edited in place.
type Options struct {
	// Scheduler is the kernel's name of it: rr, wlc. A service without one has "none".
	Scheduler   string
	Flags       Flags
	Persistence Persistence
}

// Flags are a service's switches, IP_VS_SVC_F_* of ip_vs.h. That it is persistent follows from its
// Persistence, and that it is hashed says nothing to anybody: neither is here.
type Flags uint32

// The flags. What those of the scheduler mean depends on the scheduler.
const (
	OnePacket   Flags = 0x0004
	SchedulerF1 Flags = 0x0008 // sh-fallback, mh-fallback
	SchedulerF2 Flags = 0x0010 // sh-port, mh-port
	SchedulerF3 Flags = 0x0020

	settableFlags = OnePacket | SchedulerF1 | SchedulerF2 | SchedulerF3
)

// Persistence keeps a client with its real server. The zero value is none.
type Persistence struct {
	// Timeout in seconds, above 0 with persistence.
	Timeout uint32
	// PrefixLength groups clients: 0 to 32, for IPv6 1 to 128.
	PrefixLength uint8
	// Engine is a persistence engine's name, "sip", or empty.
	Engine string
}

// Destination is a real server of a service.
type Destination struct {
	Forwarding Forwarding
	// Tunnel says how the tunnel is made, where Forwarding is Tunnel, and is zero elsewhere.
	Tunnel TunnelOptions
	// Weight as the kernel keeps it, in 31 bits. 0 takes no new connections.
	Weight uint32
	// UpperThreshold is the number of connections from which on the kernel sends no new ones, and
	// LowerThreshold that below which it does so again. 0 is none.
	UpperThreshold, LowerThreshold uint32
}

// Forwarding is how a packet gets to a destination, IP_VS_CONN_F_* of ip_vs.h.
type Forwarding uint32

// The forwarding methods.
const (
	NAT           Forwarding = ipvs.ConnFwdMasq
	Local         Forwarding = ipvs.ConnFwdLocalNode
	Tunnel        Forwarding = ipvs.ConnFwdTunnel
	DirectRouting Forwarding = ipvs.ConnFwdDirectRoute
	Bypass        Forwarding = ipvs.ConnFwdBypass

	forwardingMask Forwarding = ipvs.ConnFwdMask
)

// TunnelOptions is how packets are wrapped on their way to a destination.
type TunnelOptions struct {
	Type TunnelType
	// Port is the UDP port of GUE, above 0 there and 0 elsewhere.
	Port     uint16
	Checksum TunnelChecksum
}

// TunnelType is what packets are wrapped in, IP_VS_CONN_F_TUNNEL_TYPE_* of ip_vs.h.
type TunnelType uint8

// The kinds of tunnel.
const (
	IPIP TunnelType = 0
	GUE  TunnelType = 1
	GRE  TunnelType = 2
)

// String returns ipip, gue or gre.
func (t TunnelType) String() string {
	switch t {
	case IPIP:
		return "ipip"
	case GUE:
		return "gue"
	case GRE:
		return "gre"
	}
	return strconv.Itoa(int(t))
}

// TunnelChecksum says what checksum the outer packet carries, IP_VS_TUNNEL_ENCAP_FLAG_* of ip_vs.h.
// IPIP has none.
type TunnelChecksum uint16

// The checksums of a tunnel. RemoteChecksum, of GUE, leaves the inner one to the far end.
const (
	NoChecksum     TunnelChecksum = 0
	Checksum       TunnelChecksum = 1
	RemoteChecksum TunnelChecksum = 2
)

// String returns none, checksum or remote_checksum.
func (c TunnelChecksum) String() string {
	switch c {
	case NoChecksum:
		return "none"
	case Checksum:
		return "checksum"
	case RemoteChecksum:
		return "remote_checksum"
	}
	return strconv.Itoa(int(c))
}

// String returns nat, dr, tunnel, local or bypass.
func (f Forwarding) String() string {
	switch f {
	case NAT:
		return "nat"
	case Local:
		return "local"
	case Tunnel:
		return "tunnel"
	case DirectRouting:
		return "dr"
	}
	return "bypass"
}

// DestinationKey is what tells one destination from another across services.
type DestinationKey struct {
	Service ServiceKey
	Address netip.AddrPort
}

// Clone returns a copy that shares nothing.
func (t Table) Clone() Table {
	c := make(Table, len(t))
	for key, service := range t {
		service.Destinations = maps.Clone(service.Destinations)
		c[key] = service
	}
	return c
}

// Part returns the services that have these keys. They are shared with the table.
func (t Table) Part(keys ...ServiceKey) Table {
	part := make(Table, len(keys))
	for _, key := range keys {
		if service, ok := t[key]; ok {
			part[key] = service
		}
	}
	return part
}

// Equal reports whether two services are the same, destinations included.
func (s Service) Equal(other Service) bool {
	return s.Options == other.Options && maps.Equal(s.Destinations, other.Destinations)
}

// Keys returns the keys in order.
func (t Table) Keys() []ServiceKey {
	return slices.SortedFunc(maps.Keys(t), ServiceKey.Compare)
}

// Addresses returns the addresses of the destinations in order.
func (s Service) Addresses() []netip.AddrPort {
	return slices.SortedFunc(maps.Keys(s.Destinations), netip.AddrPort.Compare)
}

// String prints the table as ipvsadm -Sn does, one line a service and a destination, each in order.
// Thresholds, which ipvsadm forgets, are printed as it would take them.
func (t Table) String() string {
	var b strings.Builder
	for _, key := range t.Keys() {
		service := t[key]
		b.WriteString("-A " + key.flag() + service.flags(key) + "\n")
		for _, address := range service.Addresses() {
			b.WriteString("-a " + key.flag() + " -r " + address.String() + service.Destinations[address].flags() + "\n")
		}
	}
	return b.String()
}
