package balance

import (
	"maps"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// weighed returns the desired state with the weights that check scripts give to servers in the place of their own.
// Until a script has said something, a server keeps the weight that it has in the table: so a restart changes nothing.
func (b *Balancer) weighed(desired spec.Desired, table ipvs.Table) spec.Desired {
	if b.weights == nil {
		return desired
	}
	all, shared := desired.RealServers, true
	for name, v := range desired.VirtualServers {
		var servers map[netip.AddrPort]spec.RealServer // a copy once it differs
		for address, server := range desired.RealServers[name] {
			weight := server.Weight
			if dynamic(v, server) {
				weight = b.weight(spec.ServerKey{VirtualServer: name, Address: address}, weight, table[serviceKey(v)].Destinations[address])
			}
			if weight == server.Weight {
				continue
			}
			if servers == nil {
				servers = maps.Clone(desired.RealServers[name])
			}
			server.Weight = weight
			servers[address] = server
		}
		if servers != nil {
			if shared {
				all, shared = maps.Clone(all), false
			}
			all[name] = servers
		}
	}
	desired.RealServers = all
	return desired
}

// weight returns that of a server whose check script says it.
func (b *Balancer) weight(key spec.ServerKey, own int, is ipvs.Destination) int {
	if weight, said := b.weights(key); said {
		return weight
	}
	if b.verdict(key) != Up && is.Weight > 0 {
		return int(is.Weight)
	}
	return own
}

// dynamic reports whether a server's check script says its weight.
func dynamic(v spec.VirtualServer, server spec.RealServer) bool {
	check := v.HealthCheck
	if server.HealthCheck != nil {
		check = server.HealthCheck
	}
	return check != nil && check.Script != nil && check.Script.DynamicWeight
}
