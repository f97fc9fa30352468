package balance

import (
	"net/netip"
	"slices"
)

// Service reports whether a virtual server takes connections: whether at least one of its servers is up and
// has a weight. known is false while no server is up and some have no verdict yet, and when there is no
// such virtual server. It does not look at the kernel's table.
func (b *Balancer) Service(name string) (up, known bool) {
	b.mu.Lock()
	desired, remembered := b.desired, b.view.remembered
	b.mu.Unlock()
	if desired == nil {
		return false, false
	}
	v, ok := desired.VirtualServers[name]
	if !ok {
		return false, false
	}
	known = true
	for _, key := range desired.ServersOf(name) {
		says := Up
		if v.HealthCheck != nil {
			if says = b.verdict(key); says == Unknown {
				says = remembered[key].verdict()
			}
		}
		switch {
		case says == Up && desired.RealServers[key].Weight > 0:
			return true, true
		case says == Unknown:
			known = false
		}
	}
	return false, known
}

// Awaited reports whether the verdict on a virtual server on one of the addresses is still to come, and
// before anything is desired that it may be.
func (b *Balancer) Awaited(addresses []netip.Addr) bool {
	b.mu.Lock()
	desired := b.desired
	b.mu.Unlock()
	if desired == nil {
		return true
	}
	for name, v := range desired.VirtualServers {
		if slices.Contains(addresses, v.Address) {
			if _, known := b.Service(name); !known {
				return true
			}
		}
	}
	return false
}
