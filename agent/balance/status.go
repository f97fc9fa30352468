package balance

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// view is what was last seen and wanted of the kernel's table.
type view struct {
	version string // empty while the table could not be read
	reason  string // why the last reading failed, or empty
	table   ipvs.Table
	stats   ipvs.Stats
	at      time.Time

	want       ipvs.Table
	names      map[ipvs.ServiceKey]string
	remembered memories
	// degraded says of virtual servers, by name, why they could not be made what is wanted.
	degraded map[string]string
}

// failed notes that the table could not be read.
func (v *view) failed(err error) {
	v.version, v.reason, v.at = "", err.Error(), time.Now()
	v.table, v.stats = nil, nil
}

// patched returns the view with these services as they were read just now.
func (v view) patched(services []ipvs.ServiceKey, table ipvs.Table, stats ipvs.Stats) view {
	v.table, v.stats = maps.Clone(v.table), maps.Clone(v.stats)
	for _, key := range services {
		delete(v.table, key)
		delete(v.stats, key)
	}
	maps.Copy(v.table, table)
	maps.Copy(v.stats, stats)
	return v
}

// decided returns the view in which that is wanted of the services that it is about, and of the others what was.
func (v view) decided(about scope, want ipvs.Table, names map[ipvs.ServiceKey]string, remembered memories) view {
	was := v
	v.want, v.names, v.remembered = want, names, remembered
	if about.all {
		return v
	}
	for key, name := range was.names {
		if _, taken := names[key]; !taken && !about.has(name) {
			v.want[key], v.names[key] = was.want[key], name
		}
	}
	was.remembered.keep(about, v.remembered)
	return v
}

func (v *view) drift() []spec.Drift {
	if v.version == "" {
		return []spec.Drift{}
	}
	return differences(v.table, v.want, v.names)
}

func (b *Balancer) show(v view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view = v
}

// viewAge is how old a view may be to be answered with. A change made here is seen at once; this
// bounds how long somebody else's, and the counters, are not.
const viewAge = time.Second

// Status says how the services are, by name, whether the kernel balances, and in what its table is not
// what is wanted.
func (b *Balancer) Status(ctx context.Context) (map[string]spec.VirtualServerStatus, spec.IPVSStatus, []spec.Drift) {
	b.refresh(ctx)
	b.mu.Lock()
	desired, seen := b.desired, b.view
	b.mu.Unlock()
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

// foreign returns the services of the table that are not wanted, in order. Ours do not stay in it for long.
func (v *view) foreign() []string {
	var foreign []string
	for _, key := range v.table.Keys() {
		if _, wanted := v.want[key]; !wanted {
			foreign = append(foreign, key.String())
		}
	}
	return foreign
}

// failures returns why virtual servers could not be made what is wanted, by name.
func failures(err error) map[string]string {
	failed := map[string]string{}
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		if of, ok := errors.AsType[*spec.ObjectError](err); ok && of.Kind == spec.KindVirtualServer && failed[of.Name] == "" {
			failed[of.Name] = of.Err.Error()
		}
	}
	walk(err)
	return failed
}

// Seen says how one service is as it was seen last: what was written is as it was read back, and what is
// counted may be as old as the last comparison of the whole table.
func (b *Balancer) Seen(name string) (_ spec.VirtualServerStatus, ok bool) {
	b.mu.Lock()
	desired, seen := b.desired, b.view
	b.mu.Unlock()
	if desired == nil {
		return spec.VirtualServerStatus{}, false
	}
	status, ok := b.services(desired.Of(name), seen)[name]
	return status, ok
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
