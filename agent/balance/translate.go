package balance

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// How the kernel writes what is desired. What is desired is valid: see spec.Validate.

// serviceKey returns what the kernel knows a service by.
func serviceKey(v spec.VirtualServer) ipvs.ServiceKey {
	if v.FirewallMark != 0 {
		family := ipvs.IPv4
		if v.Family == spec.IPv6 {
			family = ipvs.IPv6
		}
		return ipvs.MarkKey(uint32(v.FirewallMark), family)
	}
	return ipvs.AddressKey(protocol(v.Protocol), netip.AddrPortFrom(v.Address, uint16(v.Port)))
}

func protocol(p spec.Protocol) ipvs.Protocol {
	switch p {
	case spec.UDP:
		return ipvs.UDP
	case spec.SCTP:
		return ipvs.SCTP
	}
	return ipvs.TCP
}

// options returns all of a service but what it is known by.
func options(v spec.VirtualServer) ipvs.Options {
	o := ipvs.Options{Scheduler: v.Scheduler, Flags: schedulerFlags(v)}
	if v.OnePacket {
		o.Flags |= ipvs.OnePacket
	}
	if p := v.Persistence; p != nil {
		o.Persistence = ipvs.Persistence{
			Timeout: uint32(p.Timeout.Std() / time.Second), PrefixLength: uint8(p.PrefixLength), Engine: p.Engine,
		}
		if p.PrefixLength == 0 {
			o.Persistence.PrefixLength = 128
			if v.AddressFamily() == spec.IPv4 {
				o.Persistence.PrefixLength = 32
			}
		}
	}
	return o
}

// schedulerFlags returns the kernel's switches, which have the same places in every scheduler.
func schedulerFlags(v spec.VirtualServer) (flags ipvs.Flags) {
	if v.Fallback() {
		flags |= ipvs.SchedulerF1
	}
	if slices.Contains(v.SchedulerFlags, v.Scheduler+"-port") {
		flags |= ipvs.SchedulerF2
	}
	return flags
}

// fallback returns the switch with which a scheduler takes another server for the clients of one of weight 0, if
// it has one and needs it.
func fallback(scheduler string) ipvs.Flags {
	if scheduler == "sh" || scheduler == "mh" {
		return ipvs.SchedulerF1
	}
	return 0
}

// destination returns a healthy real server of a service.
func destination(v spec.VirtualServer, server spec.RealServer) ipvs.Destination {
	d := ipvs.Destination{
		Forwarding:     forwarding(server.Method(&v)),
		Weight:         uint32(server.Weight),
		UpperThreshold: uint32(server.UpperThreshold),
		LowerThreshold: uint32(server.LowerThreshold),
	}
	if d.Forwarding == ipvs.Tunnel {
		d.Tunnel = tunnel(server.Wrapping(&v))
	}
	return d
}

func forwarding(m spec.ForwardingMethod) ipvs.Forwarding {
	switch m {
	case spec.DirectRouting:
		return ipvs.DirectRouting
	case spec.Tunnel:
		return ipvs.Tunnel
	}
	return ipvs.NAT
}

func tunnel(o spec.TunnelOptions) ipvs.TunnelOptions {
	t := ipvs.TunnelOptions{Port: uint16(o.Port)}
	switch o.Type {
	case spec.GUE:
		t.Type = ipvs.GUE
	case spec.GRE:
		t.Type = ipvs.GRE
	}
	switch o.Checksum {
	case spec.Checksum:
		t.Checksum = ipvs.Checksum
	case spec.RemoteChecksum:
		t.Checksum = ipvs.RemoteChecksum
	}
	return t
}

func traffic(t ipvs.Traffic) spec.Traffic {
	return spec.Traffic{Total: spec.TrafficCounts(t.Total), PerSecond: spec.TrafficCounts(t.PerSecond)}
}
