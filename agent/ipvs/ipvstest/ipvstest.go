// Package ipvstest generates tables for property tests, of Diff in memory and of the kernel alike. It
// knows what the kernel takes, and nothing of how a table is read or changed.
package ipvstest

import (
	"math/rand/v2"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// Table returns a table of up to eight services. What it draws from is small, so that any two tables
// have much in common and differ in much.
func Table(r *rand.Rand) ipvs.Table {
	t := ipvs.Table{}
	for range r.IntN(9) {
		key := serviceKey(r)
		service := ipvs.Service{Options: options(r, key), Destinations: map[netip.AddrPort]ipvs.Destination{}}
		for range r.IntN(6) {
			server, destination := destination(r, key)
			service.Destinations[server] = destination
		}
		t[key] = service
	}
	return t
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func serviceKey(r *rand.Rand) ipvs.ServiceKey {
	if r.IntN(6) == 0 {
		return ipvs.MarkKey(1+r.Uint32N(2), pick(r, ipvs.IPv4, ipvs.IPv6))
	}
	address := netip.MustParseAddr(pick(r, "192.0.2.100", "192.0.2.101", "2001:db8::100"))
	return ipvs.AddressKey(pick(r, ipvs.TCP, ipvs.UDP, ipvs.SCTP), netip.AddrPortFrom(address, pick[uint16](r, 80, 443)))
}

func options(r *rand.Rand, key ipvs.ServiceKey) ipvs.Options {
	o := ipvs.Options{Scheduler: pick(r, "rr", "wrr", "wlc", "sh", "mh", "lblcr")}
	if o.Scheduler == "sh" || o.Scheduler == "mh" {
		o.Flags = pick(r, 0, ipvs.SchedulerF1, ipvs.SchedulerF1|ipvs.SchedulerF2)
	}
	if key.Protocol == ipvs.UDP {
		o.Flags |= pick(r, 0, ipvs.OnePacket)
	}
	if r.IntN(3) == 0 {
		o.Persistence = ipvs.Persistence{Timeout: pick[uint32](r, 30, 300), PrefixLength: pick[uint8](r, 24, 32)}
		if key.Family() == ipvs.IPv6 {
			o.Persistence.PrefixLength = pick[uint8](r, 64, 128)
		}
		if key.Protocol == ipvs.UDP {
			o.Persistence.Engine = pick(r, "", "sip")
		}
	}
	return o
}

func destination(r *rand.Rand, key ipvs.ServiceKey) (netip.AddrPort, ipvs.Destination) {
	address := netip.AddrFrom4([4]byte{192, 0, 2, byte(20 + r.IntN(5))})
	d := ipvs.Destination{
		Forwarding: pick(r, ipvs.NAT, ipvs.Tunnel, ipvs.DirectRouting),
		Weight:     pick[uint32](r, 0, 1, 2, 70000),
	}
	if key.Family() == ipvs.IPv6 {
		address = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(20 + r.IntN(5))})
	}
	if r.IntN(3) == 0 {
		d.UpperThreshold, d.LowerThreshold = 100, pick[uint32](r, 0, 50)
	}
	// Only a tunnel carries one family inside the other.
	if r.IntN(8) == 0 {
		address, d.Forwarding = netip.MustParseAddr(pick(r, "198.51.100.5", "2001:db8:1::5")), ipvs.Tunnel
	}
	if d.Forwarding == ipvs.Tunnel {
		d.Tunnel = pick(r, ipvs.TunnelOptions{}, ipvs.TunnelOptions{},
			ipvs.TunnelOptions{Type: ipvs.GUE, Port: pick[uint16](r, 6080, 6081), Checksum: pick(r, ipvs.NoChecksum, ipvs.Checksum, ipvs.RemoteChecksum)},
			ipvs.TunnelOptions{Type: ipvs.GRE, Checksum: pick(r, ipvs.NoChecksum, ipvs.Checksum)})
	}
	return netip.AddrPortFrom(address, pick[uint16](r, 80, 8080)), d
}
