package spec

import (
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
	RealServers    Servers[RealServer]
	// Groups are the virtual servers whose real servers are a group.
	Groups map[string]Owned
	// Drains are the real servers that rest or are being removed. The latter are not in RealServers.
	Drains       Servers[Drain]
	CheckScripts map[string]CheckScript
	// Creations are which requests made objects, by CreationKey.
	Creations map[string]Creation
	// IPVSSettings is nil when nothing is asked of them.
	IPVSSettings *IPVSSettings
}

// Clone returns a copy whose maps may be written to.
func (d Desired) Clone() Desired {
	d.VRRPInstances = cloneMap(d.VRRPInstances)
	d.VirtualServers = cloneMap(d.VirtualServers)
	d.RealServers = d.RealServers.Clone()
	d.Groups = cloneMap(d.Groups)
	d.Drains = d.Drains.Clone()
	d.CheckScripts = cloneMap(d.CheckScripts)
	d.Creations = cloneMap(d.Creations)
	return d
}

// Of returns the part that is about these virtual servers, with everything that is about none. It is shared
// with the receiver: do not write to its maps.
func (d Desired) Of(virtualServers ...string) Desired {
	d.VirtualServers = partOf(d.VirtualServers, virtualServers)
	d.Groups = partOf(d.Groups, virtualServers)
	d.RealServers = partOf(d.RealServers, virtualServers)
	d.Drains = partOf(d.Drains, virtualServers)
	return d
}

func partOf[M ~map[string]V, V any](m M, names []string) M {
	part := make(M, len(names))
	for _, name := range names {
		if v, ok := m[name]; ok {
			part[name] = v
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

// Objects returns how many objects there are: instances, virtual servers and their real servers, and check scripts.
func (d Desired) Objects() int {
	return len(d.VRRPInstances) + len(d.VirtualServers) + d.RealServers.Count() + len(d.CheckScripts)
}

// Has reports whether there is an object of that kind and key (see Change). Counts is false for what Objects does not
// count.
func (d Desired) Has(kind Kind, key string) (there, counts bool) {
	switch kind {
	case KindVRRPInstance:
		_, there = d.VRRPInstances[key]
	case KindVirtualServer:
		_, there = d.VirtualServers[key]
	case KindRealServer:
		parsed, _ := ParseServerKey(key) // of what is no key there is no server
		_, there = d.RealServers.Get(parsed)
	case KindCheckScript:
		_, there = d.CheckScripts[key]
	default:
		return false, false
	}
	return there, true
}

// Tracked reports whether the priority of a VRRP instance depends on the virtual server.
func (d Desired) Tracked(virtualServer string) bool {
	for _, v := range d.VRRPInstances {
		if _, tracks := v.TrackVirtualServers[virtualServer]; tracks {
			return true
		}
	}
	return false
}

// ServersOf returns the keys of a service's real servers in order.
func (d Desired) ServersOf(service string) []ServerKey {
	return partOf(d.RealServers, []string{service}).keys()
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
		for _, problem := range append(v.Admit(server.Address, d.RealServers[name][server.Address]), d.unsynced(v, server.Address.Addr())...) {
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
