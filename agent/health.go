package agent

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// health tells the balancer what the checker found out, in the balancer's words.
type health struct{ checker *check.Checker }

func (h health) Server(key spec.ServerKey) (balance.Verdict, string) {
	verdict, reason := h.checker.Server(key)
	switch verdict {
	case check.Passing:
		return balance.Up, reason
	case check.Failing:
		return balance.Down, reason
	case check.Suspect:
		return balance.Suspect, reason
	case check.Assumed:
		return balance.Assumed, reason
	}
	return balance.Unknown, reason
}

// addFacts adds to the status of services what the checks of their servers have seen.
func (a *Agent) addFacts(services map[string]spec.VirtualServerStatus) {
	for name, service := range services {
		for server, status := range service.RealServers {
			address, err := netip.ParseAddrPort(server)
			if err != nil {
				continue
			}
			if facts, ok := a.checker.Facts(spec.ServerKey{VirtualServer: name, Address: address}); ok {
				status.Check = &facts
				service.RealServers[server] = status
			}
		}
	}
}
