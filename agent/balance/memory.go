package balance

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// memories is what is remembered between two looks at the verdicts, of what is desired. The zero value
// remembers nothing.
type memories struct {
	servers map[spec.ServerKey]memory
	// services is what each service last was by its quorum.
	services map[string]Verdict
}

// memory is what is remembered of a real server.
type memory struct {
	// last is the last verdict that was not Unknown, or what the kernel's table implied.
	last Verdict
	// joined says that the server was up once: only then does it stay in the table when it goes down.
	joined bool
}

// verdict returns what counts. A server that never was up does not join the table to be down in it.
func (m memory) verdict() Verdict {
	if m.last == Down && !m.joined {
		return Unknown
	}
	return m.last
}

// remember returns the memories after one more look at the verdicts. What is seen for the first time, and
// has no verdict yet, counts as what it is in the kernel's table: so a restart changes nothing before the
// first checks have ended, and neither does taking over what somebody else set up.
func (before memories) remember(desired spec.Desired, health func(spec.ServerKey) Verdict, actual ipvs.Table) memories {
	after := memories{
		servers:  make(map[spec.ServerKey]memory, len(desired.RealServers)),
		services: make(map[string]Verdict, len(desired.VirtualServers)),
	}
	strengths := make(map[string]strength, len(desired.VirtualServers))
	for key, server := range desired.RealServers {
		v := desired.VirtualServers[key.VirtualServer]
		m, seen := before.servers[key]
		if !seen {
			m = implied(v, actual[serviceKey(v)], key.Address)
		}
		says := Up
		if v.HealthCheck != nil {
			says = health(key)
		}
		if says != Unknown {
			m.last = says
		}
		m.joined = m.joined || m.last == Up
		after.servers[key] = m
		strengths[key.VirtualServer] = strengths[key.VirtualServer].add(server.Weight, m.last)
	}
	for name, v := range desired.VirtualServers {
		was, seen := before.services[name]
		if !seen {
			was = impliedService(v, actual[serviceKey(v)])
		}
		after.services[name] = strengths[name].verdict(v.Quorum, was)
	}
	return after
}

// implied returns what a destination in the kernel's table says of its server.
func implied(v spec.VirtualServer, actual ipvs.Service, server netip.AddrPort) memory {
	destination, there := actual.Destinations[server]
	if !there {
		return memory{}
	}
	// Weight 0 means down where that is what down looks like. A weight of 0 that is asked for looks the
	// same, but then being down is no different.
	if action, _ := onFailure(v); destination.Weight == 0 && action == quiesce {
		return memory{last: Down, joined: true}
	}
	return memory{last: Up, joined: true}
}
