package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Desired is everything a director was asked for. A Desired that was handed out is never written to.
type Desired struct {
	// Revision counts the changes since the state was first stored, from 0.
	Revision       uint64
	VRRPInstances  map[string]VRRPInstance
	VirtualServers map[string]VirtualServer
	RealServers    map[ServerKey]RealServer
	// Groups are the virtual servers whose real servers are a group.
	Groups map[string]Owned
	// Drains are the real servers that rest or are being removed. The latter are not in RealServers.
	Drains       map[ServerKey]Drain
	CheckScripts map[string]CheckScript
	// IPVSSettings is nil when nothing is asked of them.
	IPVSSettings *IPVSSettings
}

// Clone returns a copy whose maps may be written to.
func (d Desired) Clone() Desired {
	d.VRRPInstances = cloneMap(d.VRRPInstances)
	d.VirtualServers = cloneMap(d.VirtualServers)
	d.RealServers = cloneMap(d.RealServers)
	d.Groups = cloneMap(d.Groups)
	d.Drains = cloneMap(d.Drains)
	d.CheckScripts = cloneMap(d.CheckScripts)
	return d
}

// Of returns the part that is about these virtual servers, with everything that is about none. It is shared
// with the receiver: do not write to its maps.
func (d Desired) Of(virtualServers ...string) Desired {
	wanted := make(map[string]bool, len(virtualServers))
	for _, name := range virtualServers {
		wanted[name] = true
	}
	d.VirtualServers = partOf(d.VirtualServers, func(name string) bool { return wanted[name] })
	d.Groups = partOf(d.Groups, func(name string) bool { return wanted[name] })
	d.RealServers = partOf(d.RealServers, func(key ServerKey) bool { return wanted[key.VirtualServer] })
	d.Drains = partOf(d.Drains, func(key ServerKey) bool { return wanted[key.VirtualServer] })
	return d
}

func partOf[K comparable, V any](m map[K]V, in func(K) bool) map[K]V {
	part := map[K]V{}
	for key, v := range m {
		if in(key) {
			part[key] = v
		}
	}
	return part
}

func cloneMap[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// servers returns the keys of all real servers in order.
func (d Desired) servers() []ServerKey {
	return slices.SortedFunc(maps.Keys(d.RealServers), func(a, b ServerKey) int {
		return cmp.Or(cmp.Compare(a.VirtualServer, b.VirtualServer), a.Address.Compare(b.Address))
	})
}

// ServersOf returns the keys of a service's real servers in order.
func (d Desired) ServersOf(service string) []ServerKey {
	var keys []ServerKey
	for key := range d.RealServers {
		if key.VirtualServer == service {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b ServerKey) int { return a.Address.Compare(b.Address) })
	return keys
}

// A Verdict on how a request fits what is there already. Conflicts are wrong whatever comes later.
// Unresolved references become right once the missing object is there: a dry run lists them apart,
// because in a plan the missing object may be created by the same apply.
type Verdict struct {
	Conflicts  FieldErrors
	Unresolved FieldErrors
}

// FitVRRPInstance reports how an instance of that name would fit the other objects.
func (d Desired) FitVRRPInstance(name string, v VRRPInstance) Verdict {
	var fit Verdict
	for _, other := range slices.Sorted(maps.Keys(d.VRRPInstances)) {
		o := d.VRRPInstances[other]
		if other == name {
			continue
		}
		if o.Interface == v.Interface && o.VirtualRouterID == v.VirtualRouterID && o.Family() == v.Family() {
			fit.Conflicts.add("/virtual_router_id", "%d is used for %s by VRRP instance %q on %s: use another id", v.VirtualRouterID, v.Family(), other, v.Interface)
		}
		for i, address := range v.VirtualAddresses {
			if o.holds(v.Interface, address.Addr()) {
				fit.Conflicts.add(fmt.Sprintf("/virtual_addresses/%d", i), "%s belongs to VRRP instance %q: an address is in one instance only", address.Addr(), other)
			}
		}
		for i, x := range v.ExcludedAddresses {
			if o.holds(x.on(v.Interface), x.Address.Addr()) {
				fit.Conflicts.add(fmt.Sprintf("/excluded_addresses/%d/address", i), "%s belongs to VRRP instance %q: an address is in one instance only", x.Address.Addr(), other)
			}
		}
	}
	if !v.AcceptMode && v.Priority != OwnerPriority {
		for _, service := range slices.Sorted(maps.Keys(d.VirtualServers)) {
			if at := d.VirtualServers[service].Address; at.IsValid() && v.holds(v.Interface, at) {
				fit.Conflicts.add("/accept_mode", "virtual server %q is at %s, where no connection would reach it: leave accept_mode true, as every director of services needs it", service, at)
			}
		}
	}
	for _, script := range slices.Sorted(maps.Keys(v.TrackScripts)) {
		if _, ok := d.CheckScripts[script]; !ok {
			fit.Unresolved.add(pointer("/track_scripts", script), "check script %q does not exist on this director: create it first", script)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(v.TrackVirtualServers)) {
		if _, ok := d.VirtualServers[service]; !ok {
			fit.Unresolved.add(pointer("/track_virtual_servers", service), "virtual server %q does not exist on this director: create it first", service)
		}
	}
	return fit
}

// FitVirtualServer reports how a virtual server of that name would fit the other objects.
func (d Desired) FitVirtualServer(name string, v VirtualServer) Verdict {
	var fit Verdict
	for _, other := range slices.Sorted(maps.Keys(d.VirtualServers)) {
		o := d.VirtualServers[other]
		if other != name && o.Endpoint() == v.Endpoint() {
			at := "/address"
			if v.FirewallMark != 0 {
				at = "/firewall_mark"
			}
			fit.Conflicts.add(at, "%s is served by virtual server %q: a service has one owner", v.Endpoint(), other)
		}
	}
	for _, instance := range slices.Sorted(maps.Keys(d.VRRPInstances)) {
		o := d.VRRPInstances[instance]
		if !o.AcceptMode && o.Priority != OwnerPriority && v.Address.IsValid() && o.holds(o.Interface, v.Address) {
			fit.Conflicts.add("/address", "%s belongs to VRRP instance %q, whose accept_mode is false: no connection would reach the service; use another address, or leave accept_mode true", v.Address, instance)
		}
	}
	for _, server := range d.ServersOf(name) {
		for _, problem := range append(v.Admit(server.Address, d.RealServers[server]), d.unsynced(v, server.Address.Addr())...) {
			fit.Conflicts.add("", "real server %s would no longer fit: %s", server.Address, problem.Detail)
		}
	}
	if v.SorryServer != nil {
		fit.Conflicts = append(fit.Conflicts, d.unsynced(v, v.SorryServer.Address).Under("/sorry_server")...)
	}
	d.fitHealthCheck(&fit, v.HealthCheck)
	return fit
}

func (d Desired) fitHealthCheck(fit *Verdict, check *HealthCheck) {
	if check == nil || check.Script == nil {
		return
	}
	if _, ok := d.CheckScripts[check.Script.Name]; !ok {
		fit.Unresolved.add("/health_check/script/name", "check script %q does not exist on this director: create it first", check.Script.Name)
	}
}

// FitRealServer reports how a real server would fit the other objects.
func (d Desired) FitRealServer(key ServerKey, v RealServer) Verdict {
	fit := d.fitServer(key, v)
	fit.Conflicts = append(d.ownedByGroup(key.VirtualServer), fit.Conflicts...)
	return fit
}

func (d Desired) fitServer(key ServerKey, v RealServer) Verdict {
	var fit Verdict
	service, ok := d.VirtualServers[key.VirtualServer]
	if !ok {
		fit.Unresolved.add("/virtual_server", "virtual server %q does not exist on this director: create it first", key.VirtualServer)
		return fit
	}
	fit.Conflicts = append(service.Admit(key.Address, v), d.unsynced(service, key.Address.Addr())...)
	d.fitHealthCheck(&fit, v.HealthCheck)
	return fit
}
