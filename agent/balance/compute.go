package balance

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Compute returns the table that the desired services want with what is remembered of them. A server that
// is up has its weight, or what has grown of it since it came, one of which nothing is known yet is absent, and what becomes of one that is down
// depends on the service: see its FailureAction. A service that has lost its quorum sends what is new to its
// sorry server alone, if it has one. Servers that rest or are being removed have weight 0: see rest. The desired
// state is valid, and each of its real servers belongs to one of its services.
func Compute(desired spec.Desired, remembered memories) ipvs.Table {
	table := make(ipvs.Table, len(desired.VirtualServers))
	for name, v := range desired.VirtualServers {
		service := ipvs.Service{
			Options:      options(v),
			Destinations: map[netip.AddrPort]ipvs.Destination{},
		}
		if v.SorryServer != nil && remembered.services[name] == Down {
			address, destination := sorryServer(v)
			service.Destinations[address] = destination
		}
		table[serviceKey(v)] = service
	}
	for key, server := range desired.RealServers.All() {
		v, ok := desired.VirtualServers[key.VirtualServer]
		if !ok {
			continue
		}
		says := remembered.server(key).verdict()
		if says == Up && v.SorryServer != nil && remembered.services[key.VirtualServer] == Down {
			says = Down // its connections end as those of a server that is down
		}
		_, rests := desired.Drains.Get(key)
		destination := destination(v, server)
		switch {
		case says == Unknown:
			continue
		case says == Down:
			if action, _ := v.FailureAction(server); action == spec.Remove {
				continue
			}
			destination.Weight = 0
		case rests, destination.Weight == 0: // by its script, where asking for it would be refused
			rest(table, v, key.Address, destination)
			continue
		default:
			if is, warms := remembered.warming.Get(key); warms {
				destination.Weight = uint32(is.weight) // #nosec G115 -- at most the weight
			}
		}
		table[serviceKey(v)].Destinations[key.Address] = destination
	}
	for key, is := range remembered.drains.All() {
		v, ok := desired.VirtualServers[key.VirtualServer]
		if is.ended || !ok {
			continue
		}
		rest(table, v, key.Address, destination(v, *desired.Drains[key.VirtualServer][key.Address].Server))
	}
	return table
}

// rest puts a server into its service that gets no new connections and may finish its own. Where the scheduler
// would go on sending it clients, the service falls back on others meanwhile, or does without the server.
func rest(table ipvs.Table, v spec.VirtualServer, address netip.AddrPort, d ipvs.Destination) {
	if !v.CanRest() {
		return
	}
	d.Weight = 0
	service := table[serviceKey(v)]
	service.Destinations[address] = d
	service.Flags |= fallback(v.Scheduler)
	table[serviceKey(v)] = service
}
