package balance

import (
	"net/netip"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Service reports whether a virtual server is up: whether its servers that are up reach its quorum. known is
// false while that takes verdicts that are not there yet, and when there is no such virtual server. It does
// not read the kernel's table.
func (b *Balancer) Service(name string) (up, known bool) {
	desired, seen, ok := b.shownOf(name)
	if !ok {
		return false, false
	}
	desired = b.weighed(desired, seen.table)
	v, remembered := desired.VirtualServers[name], seen.remembered
	var servers strength
	for address, server := range desired.RealServers[name] {
		key := spec.ServerKey{VirtualServer: name, Address: address}
		says := remembered.server(key).after(verdictOf(v, server, key, b.verdict)).last
		servers = servers.add(share(desired, key, server), says)
	}
	says := servers.verdict(v.Quorum, remembered.services[name])
	return says == Up, says != Unknown
}

// Awaited returns the virtual servers on one of the addresses on which the verdict is still to come, in order. Before
// anything is desired nobody knows which those are, and awaited is true with none.
func (b *Balancer) Awaited(addresses []netip.Addr) (virtualServers []string, awaited bool) {
	b.mu.Lock()
	desired := b.desired
	b.mu.Unlock()
	if desired == nil {
		return nil, true
	}
	for name, v := range desired.VirtualServers {
		if slices.Contains(addresses, v.Address) {
			if _, known := b.Service(name); !known {
				virtualServers = append(virtualServers, name)
			}
		}
	}
	slices.Sort(virtualServers)
	return virtualServers, len(virtualServers) > 0
}
