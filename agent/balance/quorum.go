package balance

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// strength is how many of a service's servers are up, in weights, and how many may turn out to be.
type strength struct{ live, open int }

// add counts a server.
func (s strength) add(weight int, says Verdict) strength {
	switch says {
	case Up:
		s.live += weight
	case Unknown:
		s.open += weight
	}
	return s
}

// verdict returns what a service is by its quorum. Between the two thresholds, and while it takes verdicts
// that are not there yet to tell, it is what it was before.
func (s strength) verdict(q spec.Quorum, before Verdict) Verdict {
	enter, leave := max(1, q.Weight+q.Hysteresis), max(1, q.Weight-q.Hysteresis)
	needed := enter
	if before == Up {
		needed = leave
	}
	switch {
	case s.live >= needed:
		return Up
	case s.live+s.open >= needed:
		return before
	}
	return Down
}

// impliedService returns what the kernel's table says of a service that nothing is known of yet.
func impliedService(v spec.VirtualServer, actual ipvs.Service) Verdict {
	if v.SorryServer != nil && actual.Destinations[v.SorryServer.AddrPort()].Weight > 0 {
		return Down
	}
	for _, destination := range actual.Destinations {
		if destination.Weight > 0 {
			return Up
		}
	}
	return Unknown
}

// sorryServer returns the destination that takes the place of the real servers.
func sorryServer(v spec.VirtualServer) (netip.AddrPort, ipvs.Destination) {
	return v.SorryServer.AddrPort(), destination(v, spec.RealServer{ForwardingMethod: v.SorryServer.ForwardingMethod, Weight: 1})
}
