package balance

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// told is what events have said so far, so that each pass tells what is different. Like the table it is
// derived from the whole state: what changed and changed back between two passes did not happen.
type told struct {
	// services and servers are their states in words, nil before the first pass: what an agent finds when it
	// starts is no change.
	services map[string]string
	servers  spec.Servers[string]
	// drains are those that go on, nil before the first pass.
	drains spec.Servers[spec.Drain]
	// drift is what was noticed and is not repaired yet.
	drift []spec.Drift
}

// publishStates tells of the services and servers that are not as they were, in that scope, of which desired is
// the part. The caller has the turn.
func (b *Balancer) publishStates(about scope, desired spec.Desired, seen view) {
	first := b.told.services == nil
	if first {
		b.told.services, b.told.servers = map[string]string{}, spec.Servers[string]{}
	}
	var events, ofServices []spec.Event
	change := func(e spec.Event, from, to string) []spec.Event {
		if first || from == to {
			return nil
		}
		e.Type, e.State = spec.EventStateChanged, &spec.StateChange{From: from, To: to}
		return []spec.Event{e}
	}
	for name, v := range desired.VirtualServers {
		from, known := b.told.services[name]
		if !known {
			from = spec.ServiceDown // it has had no time to be anything else
		}
		to := serviceState(name, v, seen).State
		b.told.services[name] = to
		ofServices = append(ofServices, change(spec.Event{Kind: spec.KindVirtualServer, Name: name}, from, to)...)
	}
	for key, wanted := range desired.RealServers.All() {
		v, ok := desired.VirtualServers[key.VirtualServer]
		if !ok {
			continue
		}
		to := spec.ServerUnhealthy
		from, _ := b.told.servers.Get(key)
		switch {
		case seen.remembered.server(key).last == Up:
			to = spec.ServerHealthy
		case from == "" && b.verdict(key) == Unknown:
			continue // not checked yet
		}
		if from == to {
			continue
		}
		b.told.servers.Put(key, to)
		reason := b.server(v, wanted, key, seen).Reason
		events = append(events, change(spec.Event{Kind: spec.KindRealServer, Name: key.VirtualServer, Server: key.Address.String(), Reason: reason}, from, to)...)
	}
	for name := range within(about, b.told.services) {
		if _, wanted := desired.VirtualServers[name]; !wanted {
			delete(b.told.services, name)
		}
	}
	for name, servers := range within(about, b.told.servers) {
		for address := range servers {
			if _, wanted := desired.RealServers[name][address]; !wanted {
				b.told.servers.Delete(spec.ServerKey{VirtualServer: name, Address: address})
			}
		}
	}
	inOrder(events)
	inOrder(ofServices)
	b.publish(append(events, ofServices...)...) // a server's fate decides that of its service
}

// publishDrains tells of the drains in that scope that have begun and that have ended. The caller has the turn.
func (b *Balancer) publishDrains(about scope) {
	b.mu.Lock()
	desired := *b.desired
	b.mu.Unlock()
	first := b.told.drains == nil
	if first {
		b.told.drains = spec.Servers[spec.Drain]{}
	}
	var events []spec.Event
	tell := func(t spec.EventType, key spec.ServerKey, d spec.Drain, reason string) {
		events = append(events, spec.Event{Type: t, Kind: spec.KindRealServer, Name: key.VirtualServer, Server: key.Address.String(), Reason: reason, Drain: d.State()})
	}
	for name, drains := range within(about, b.told.drains) {
		for address, d := range drains {
			key := spec.ServerKey{VirtualServer: name, Address: address}
			now, goesOn := desired.Drains.Get(key)
			if goesOn && now.Since.Equal(d.Since) {
				continue
			}
			b.told.drains.Delete(key)
			reason := "removed"
			if _, back := desired.RealServers.Get(key); back {
				reason = "in service again"
			} else if goesOn {
				reason = "is being removed"
			}
			tell(spec.EventDrainEnded, key, d, reason)
		}
	}
	for name, drains := range within(about, desired.Drains) {
		for address, d := range drains {
			key := spec.ServerKey{VirtualServer: name, Address: address}
			if _, told := b.told.drains.Get(key); told {
				continue
			}
			b.told.drains.Put(key, d)
			if !first {
				tell(spec.EventDrainBegun, key, d, "")
			}
		}
	}
	inOrder(events)
	b.publish(events...)
}

// inOrder sorts by object: maps have no order.
func inOrder(events []spec.Event) {
	slices.SortFunc(events, func(a, b spec.Event) int {
		if by := strings.Compare(a.Name, b.Name); by != 0 {
			return by
		}
		return strings.Compare(a.Server, b.Server)
	})
}

// publishNoticed tells of drift that was not there before.
func (b *Balancer) publishNoticed(d spec.Drift) {
	b.told.drift = append(slices.DeleteFunc(b.told.drift, func(old spec.Drift) bool { return place(old) == place(d) }), d)
	b.publish(d.Event(spec.EventDriftNoticed))
}

// publishRepaired tells of drift that was there and of which nothing is left, whoever put it right. That of which
// its service or server is gone, or is not wanted any more, is forgotten.
func (b *Balancer) publishRepaired(left []spec.Drift, seen view) {
	b.told.drift = slices.DeleteFunc(b.told.drift, func(d spec.Drift) bool {
		gone := !slices.ContainsFunc(left, func(other spec.Drift) bool { return place(other) == place(d) })
		if gone && seen.asWanted(d) {
			b.publish(d.Event(spec.EventDriftRepaired))
		}
		return gone
	})
}

// asWanted reports whether what a difference was of is wanted, and whether what is wanted of it is so: as it is there, or
// as it is not.
func (v *view) asWanted(d spec.Drift) bool {
	key, known := v.keys[d.Name]
	is, there := v.table[key]
	want, wanted := v.want[key]
	if !known || !there || !wanted {
		return false
	}
	if d.Server == "" {
		return true
	}
	server := netip.MustParseAddrPort(d.Server)
	_, holds := is.Destinations[server]
	_, wants := want.Destinations[server]
	return holds == wants && (holds || d.Field == fieldPresent)
}
