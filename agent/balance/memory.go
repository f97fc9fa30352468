package balance

import (
	"maps"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// memories is what is remembered between two looks at the verdicts, of what is desired. The zero value
// remembers nothing.
type memories struct {
	servers spec.Servers[memory]
	// services is what each service last was by its quorum.
	services map[string]Verdict
	// drains are the removals that go on.
	drains spec.Servers[draining]
	// warming are those whose weight grows.
	warming spec.Servers[warming]
}

// server returns what is remembered of a real server.
func (before memories) server(key spec.ServerKey) memory {
	m, _ := before.servers.Get(key)
	return m
}

// part returns what is remembered of these virtual servers.
func (before memories) part(names []string) memories {
	return memories{servers: pick(before.servers, names), services: pick(before.services, names), drains: pick(before.drains, names), warming: pick(before.warming, names)}
}

// put makes what is remembered of these virtual servers what a part does.
func (before memories) put(part memories, names []string) {
	replace(before.servers, part.servers, names)
	replace(before.services, part.services, names)
	replace(before.drains, part.drains, names)
	replace(before.warming, part.warming, names)
}

// clone returns a copy to which nothing can be put through the receiver.
func (before memories) clone() memories {
	return memories{servers: maps.Clone(before.servers), services: maps.Clone(before.services), drains: maps.Clone(before.drains), warming: maps.Clone(before.warming)}
}

// memory is what is remembered of a real server.
type memory struct {
	// last is Up or Down by the last verdict, or by what the kernel's table implied; Unknown before both.
	last Verdict
	// joined says that the server was up once: only then does it stay in the table when it goes down.
	joined bool
	// idle says that it gets no new connections although it is up: by a drain, or a weight of 0.
	idle bool
}

// verdict returns what counts. A server that never was up does not join the table to be down in it.
func (m memory) verdict() Verdict {
	if m.last == Down && !m.joined {
		return Unknown
	}
	return m.last
}

// after returns the memory after a verdict.
func (m memory) after(says Verdict) memory {
	switch {
	case says == Up, says == Down:
		m.last = says
	case says == Suspect && m.last == Unknown:
		m.last = Down // there is nothing that it could stay
	case says == Assumed && m.last == Unknown:
		m.last = Up
	}
	m.joined = m.joined || m.last == Up
	return m
}

// remember returns the memories after one more look at the verdicts. What is seen for the first time, and
// has no verdict yet, counts as what it is in the kernel's table: so a restart changes nothing before the
// first checks have ended, and neither does taking over what somebody else set up.
func (before memories) remember(desired spec.Desired, health func(spec.ServerKey) Verdict, seen observation) memories {
	actual, now := seen.table, seen.at
	after := memories{
		drains:   before.drain(desired, seen),
		servers:  make(spec.Servers[memory], len(desired.VirtualServers)),
		services: make(map[string]Verdict, len(desired.VirtualServers)),
		warming:  spec.Servers[warming]{},
	}
	strengths := make(map[string]strength, len(desired.VirtualServers))
	for key, server := range desired.RealServers.All() {
		v := desired.VirtualServers[key.VirtualServer]
		m, seen := before.servers.Get(key)
		says := verdictOf(v, server, key, health)
		if !seen {
			_, known := before.services[key.VirtualServer]
			m = first(v, server, actual, key.Address, known)
			if _, there := actual[serviceKey(v)]; there && !known && m.last == Unknown && says == Assumed {
				m.last = Down // a process before this one had a reason to leave it out
			}
		}
		was, warms := before.warming.Get(key)
		wasIdle := m.idle
		m.idle = share(desired, key, server) == 0
		if says == Up && m.last != Up || wasIdle && !m.idle {
			was, warms = warming{since: now}, true
		}
		m = m.after(says)
		after.servers.Put(key, m)
		if warms && m.last == Up {
			if is, warms := warm(was.since, now, v.Resolve(server).SlowStart.Std(), server.Weight); warms {
				after.warming.Put(key, is)
			}
		}
		strengths[key.VirtualServer] = strengths[key.VirtualServer].add(share(desired, key, server), m.last)
	}
	for key := range after.drains.All() {
		if m, seen := before.servers.Get(key); seen {
			after.servers.Put(key, m) // for when it comes back before it is gone
		}
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

// share returns what a real server adds to its service's strength while it is up: nothing while it rests.
func share(desired spec.Desired, key spec.ServerKey, server spec.RealServer) int {
	if _, rests := desired.Drains.Get(key); rests {
		return 0
	}
	return server.Weight
}

// verdictOf asks for the verdict on a server, which is up when nobody checks it.
func verdictOf(v spec.VirtualServer, server spec.RealServer, key spec.ServerKey, health func(spec.ServerKey) Verdict) Verdict {
	if v.Resolve(server).HealthCheck == nil {
		return Up
	}
	return health(key)
}

// first returns what a server counts as that is seen for the first time, until there is a verdict: what it is
// in the kernel's table, or its initial state. A server that is not in the table of a service that this
// process sees for the first time was out before, and stays out whatever its initial state.
func first(v spec.VirtualServer, server spec.RealServer, actual ipvs.Table, address netip.AddrPort, serviceIsKnown bool) memory {
	service, there := actual[serviceKey(v)]
	if destination, in := service.Destinations[address]; in {
		return implied(v, server, destination)
	}
	if v.Resolve(server).InitialState == spec.InitialUp && (serviceIsKnown || !there) {
		return memory{last: Up, joined: true}
	}
	return memory{}
}

// implied returns what a destination in the kernel's table says of its server.
func implied(v spec.VirtualServer, server spec.RealServer, destination ipvs.Destination) memory {
	// Weight 0 means down where that is what down looks like. A weight of 0 that is asked for looks the
	// same, but then being down is no different.
	if action, _ := v.FailureAction(server); destination.Weight == 0 && action == spec.Quiesce {
		return memory{last: Down, joined: true}
	}
	return memory{last: Up, joined: true}
}
