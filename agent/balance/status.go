package balance

import (
	"context"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// show puts what a pass saw into the view. The caller has the turn, without which nobody writes to the view.
func (b *Balancer) show(v view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view.put(v)
}

// shown returns what is desired, nil before the first Set, and a view for a reader without the turn.
func (b *Balancer) shown() (*spec.Desired, view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.desired, b.view.clone()
}

// shownOf is shown of one virtual server; ok is false when there is none of that name.
func (b *Balancer) shownOf(name string) (of spec.Desired, seen view, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.desired == nil {
		return spec.Desired{}, view{}, false
	}
	of = b.desired.Of(name)
	_, ok = of.VirtualServers[name]
	return of, b.view.part(named(name), of), ok
}

// viewAge is how old a view may be to be answered with. A change made here is seen at once; this
// bounds how long somebody else's, and the counters, are not.
const viewAge = time.Second

// Status says how the services are, by name, whether the kernel balances, and in what its table is not
// what is wanted.
func (b *Balancer) Status(ctx context.Context) (map[string]spec.VirtualServerStatus, spec.IPVSStatus, []spec.Drift) {
	b.refresh(ctx)
	desired, seen := b.shown()
	services := map[string]spec.VirtualServerStatus{}
	if desired != nil {
		services = b.services(*desired, seen)
	}
	kernel := spec.IPVSStatus{Available: seen.version != "", Version: seen.version, Reason: seen.reason}
	if desired != nil {
		kernel.ForeignServices = seen.foreign()
	}
	return services, kernel, seen.drift()
}

// Seen says how one service is as it was seen last: what was written is as it was read back, and what is
// counted may be as old as the last comparison of the whole table.
func (b *Balancer) Seen(name string) (_ spec.VirtualServerStatus, ok bool) {
	desired, seen, ok := b.shownOf(name)
	if !ok {
		return spec.VirtualServerStatus{}, false
	}
	return b.services(desired, seen)[name], true
}

// refresh reads the table again if the view of it is old and nobody is changing it just now.
func (b *Balancer) refresh(ctx context.Context) {
	select {
	case b.turn <- struct{}{}:
		defer b.give()
	default:
		return
	}
	b.mu.Lock()
	seen := b.view
	b.mu.Unlock()
	if time.Since(seen.at) < viewAge {
		return
	}
	version, err := b.kernel.Info(ctx)
	if err == nil {
		var table ipvs.Table
		var stats ipvs.Stats
		if table, stats, err = b.kernel.Read(ctx); err == nil {
			seen.version, seen.reason, seen.table, seen.stats, seen.at = version, "", table, stats, time.Now()
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		seen.failed(err)
	}
	b.show(seen)
}

func (b *Balancer) services(desired spec.Desired, seen view) map[string]spec.VirtualServerStatus {
	desired = b.weighed(desired, seen.table)
	services := make(map[string]spec.VirtualServerStatus, len(desired.VirtualServers))
	for name, v := range desired.VirtualServers {
		services[name] = spec.VirtualServerStatus{
			VirtualServerState: serviceState(name, v, seen),
			Identity:           v.Identity(),
			Traffic:            traffic(seen.stats[serviceKey(v)].Traffic),
			RealServers:        map[string]spec.RealServerStatus{},
		}
	}
	for key, wanted := range desired.RealServers.All() {
		service, ok := services[key.VirtualServer]
		if !ok {
			continue
		}
		server := b.server(desired.VirtualServers[key.VirtualServer], wanted, key, seen)
		service.RealServers[key.Address.String()] = server
		if server.Healthy {
			service.LiveWeight += share(desired, key, wanted)
			services[key.VirtualServer] = service
		}
	}
	for key, d := range desired.Drains.All() {
		service, ok := services[key.VirtualServer]
		if !ok {
			continue
		}
		v, address := desired.VirtualServers[key.VirtualServer], key.Address.String()
		server := service.RealServers[address]
		if d.Removes() {
			server = b.server(v, *d.Server, key, seen)
		}
		server.Drain = d.State()
		server.ConnectionsLeft = connectionsLeft(v, seen.stats[serviceKey(v)].Destinations[key.Address].Connections)
		service.RealServers[address] = server
	}
	return services
}

// serviceState returns how a service stood to its quorum when the table was last made what is wanted.
func serviceState(name string, v spec.VirtualServer, seen view) spec.VirtualServerState {
	state := spec.VirtualServerState{State: spec.ServiceDown}
	service, there := seen.table[serviceKey(v)]
	if there && seen.remembered.services[name] == Up {
		state.State = spec.ServiceUp
	}
	if why := seen.degraded[name]; why != "" {
		state.State, state.Reason = spec.ServiceDegraded, why
	}
	if v.SorryServer != nil {
		state.SorryServer = service.Destinations[v.SorryServer.AddrPort()].Weight > 0
	}
	return state
}

func (b *Balancer) server(v spec.VirtualServer, wanted spec.RealServer, key spec.ServerKey, seen view) spec.RealServerStatus {
	service := serviceKey(v)
	destination := seen.table[service].Destinations[key.Address]
	counted := seen.stats[service].Destinations[key.Address]
	says, reason := Up, ""
	if v.Resolve(wanted).HealthCheck != nil {
		says, reason = b.health.Server(key)
	}
	is := seen.remembered.server(key).after(says).last
	if action, why := v.FailureAction(wanted); is == Down && action == spec.Remove {
		reason = strings.TrimPrefix(reason+"; ", "; ") + "taken out of the table: " + why
	}
	return spec.RealServerStatus{
		RealServerState:       spec.RealServerState{Healthy: is == Up, Weight: int(destination.Weight), Reason: reason},
		ActiveConnections:     uint64(counted.Connections.Active),
		InactiveConnections:   uint64(counted.Connections.Inactive),
		PersistentConnections: uint64(counted.Connections.Persistent),
		Traffic:               traffic(counted.Traffic),
	}
}
