package balance

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Compute returns the table that the desired services want with what is remembered of them. A server that
// is up has its weight, one of which nothing is known yet is absent, and what becomes of one that is down
// depends on the service: see its FailureAction. A service that has lost its quorum sends what is new to its sorry
// server alone, if it has one. The desired state is valid, and each of its real servers belongs to one of
// its services.
func Compute(desired spec.Desired, remembered memories) ipvs.Table {
	table := make(ipvs.Table, len(desired.VirtualServers))
	for name, v := range desired.VirtualServers {
		service := ipvs.Service{
			Options:      ipvs.Options{Scheduler: v.Scheduler},
			Destinations: map[netip.AddrPort]ipvs.Destination{},
		}
		if v.SorryServer != nil && remembered.services[name] == Down {
			address, destination := sorryServer(v)
			service.Destinations[address] = destination
		}
		table[serviceKey(v)] = service
	}
	for key, server := range desired.RealServers {
		v, ok := desired.VirtualServers[key.VirtualServer]
		if !ok {
			continue
		}
		says := remembered.servers[key].verdict()
		if says == Up && v.SorryServer != nil && remembered.services[key.VirtualServer] == Down {
			says = Down // its connections end as those of a server that is down
		}
		destination := ipvs.Destination{Forwarding: forwarding(v.ForwardingMethod), Weight: uint32(server.Weight)}
		switch says {
		case Unknown:
			continue
		case Down:
			if action, _ := v.FailureAction(server); action == spec.Remove {
				continue
			}
			destination.Weight = 0
		}
		table[serviceKey(v)].Destinations[key.Address] = destination
	}
	return table
}

// serviceKey returns what the kernel knows a service by.
func serviceKey(v spec.VirtualServer) ipvs.ServiceKey {
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

func forwarding(m spec.ForwardingMethod) ipvs.Forwarding {
	switch m {
	case spec.DirectRouting:
		return ipvs.DirectRouting
	case spec.Tunnel:
		return ipvs.Tunnel
	}
	return ipvs.NAT
}
