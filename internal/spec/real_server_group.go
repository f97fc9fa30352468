package spec

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// RealServerGroup is all real servers of a virtual server at once, by address:port. Who asks for a group owns
// them: a server is not added to it, changed or taken out by itself.
type RealServerGroup struct {
	Servers map[string]RealServer `json:"servers" doc:"the real servers by address:port; those that are left out are removed"`
}

// Owned marks a virtual server whose real servers are a group.
type Owned struct{}

// Validate reports everything that is wrong with the servers' keys and values themselves.
func (v *RealServerGroup) Validate() FieldErrors {
	var errs FieldErrors
	for _, name := range slices.Sorted(maps.Keys(v.Servers)) {
		at := pointer("/servers", name)
		address, err := ParseServerAddress(name)
		if err != nil {
			errs.add(at, "%s", err)
			continue
		}
		server := v.Servers[name]
		errs = append(errs, server.Validate(address).ofServer(at)...)
	}
	return errs
}

// ofServer moves errors about a real server to where it stands in a group. Its address and port are its key.
func (e FieldErrors) ofServer(at string) FieldErrors {
	moved := e.Under(at)
	for i := range moved {
		switch e[i].Pointer {
		case "/address", "/port":
			moved[i].Pointer = at
		}
	}
	return moved
}

// Group returns the real servers of a service, and whether they are there as a group.
func (d Desired) Group(service string) (group RealServerGroup, owned bool) {
	group = RealServerGroup{Servers: map[string]RealServer{}}
	for address, server := range d.RealServers[service] {
		group.Servers[address.String()] = server
	}
	_, owned = d.Groups[service]
	return group, owned
}

// FitRealServerGroup reports how a valid group would fit the other objects.
func (d Desired) FitRealServerGroup(service string, v RealServerGroup) Verdict {
	var fit Verdict
	if _, ok := d.VirtualServers[service]; !ok {
		fit.Unresolved.add("/virtual_server", "virtual server %q does not exist on this director: create it first", service)
		return fit
	}
	for _, name := range slices.Sorted(maps.Keys(v.Servers)) {
		address, err := ParseServerAddress(name)
		if err != nil {
			continue // it is not valid
		}
		one := d.fitServer(ServerKey{VirtualServer: service, Address: address}, v.Servers[name])
		at := pointer("/servers", name)
		fit.Conflicts = append(fit.Conflicts, one.Conflicts.ofServer(at)...)
		fit.Unresolved = append(fit.Unresolved, one.Unresolved.ofServer(at)...)
	}
	return fit
}

// ownedByGroup reports that a server by itself is not for anybody to change.
func (d Desired) ownedByGroup(service string) FieldErrors {
	if _, owned := d.Groups[service]; !owned {
		return nil
	}
	return FieldErrors{{Pointer: "/virtual_server", Detail: fmt.Sprintf(
		"the real servers of virtual server %q are one group (lvs_real_server_group, PUT …/real-servers), which owns all of them: change the group, or delete it first", service)}}
}

// DissolveGroup returns the change by which the real servers of a service are each by itself again, and what is desired
// then. They stay as they are.
func (d Desired) DissolveGroup(service string) (Desired, []Change) {
	if _, owned := d.Groups[service]; !owned {
		return d, nil
	}
	d.Groups = maps.Clone(d.Groups)
	delete(d.Groups, service)
	return d, []Change{{Kind: KindRealServerGroup, Key: service}}
}

// PutGroup returns the changes by which a valid group becomes all there is. Servers that it leaves out drain.
func (d Desired) PutGroup(service string, v RealServerGroup, now time.Time) []Change {
	var changes []Change
	before, owned := d.Group(service)
	if !owned {
		changes = append(changes, Change{Kind: KindRealServerGroup, Key: service, Value: Owned{}})
	}
	for name, server := range before.Servers {
		if _, stays := v.Servers[name]; !stays {
			changes = append(changes, d.leaveGroup(service, name, server, nil, now)...)
		}
	}
	for name, server := range v.Servers {
		was, exists := before.Servers[name]
		if address, err := ParseServerAddress(name); err == nil && (!exists || !Equal(was, server)) {
			changes = append(changes, d.PutServer(ServerKey{VirtualServer: service, Address: address}, server)...)
		}
	}
	return changes
}

// RemoveGroup returns the changes by which all real servers of a service go, each in its own time, or in the
// timeout unless that is nil.
func (d Desired) RemoveGroup(service string, timeout *Duration, now time.Time) []Change {
	var changes []Change
	group, owned := d.Group(service)
	if owned {
		changes = append(changes, Change{Kind: KindRealServerGroup, Key: service})
	}
	for name, server := range group.Servers {
		changes = append(changes, d.leaveGroup(service, name, server, timeout, now)...)
	}
	for _, key := range d.Removing(service) {
		if timeout != nil && *timeout == 0 {
			changes = append(changes, d.RemoveServer(key, 0, now)...)
		}
	}
	return changes
}

func (d Desired) leaveGroup(service, name string, server RealServer, timeout *Duration, now time.Time) []Change {
	address, err := ParseServerAddress(name)
	if err != nil {
		return nil // it came from a key
	}
	v := d.VirtualServers[service]
	if timeout == nil {
		timeout = v.Resolve(server).DrainTimeout
	}
	return d.RemoveServer(ServerKey{VirtualServer: service, Address: address}, *timeout, now)
}

// RealServerGroupStatus is the status of all real servers of a service, those included that are being removed.
type RealServerGroupStatus struct {
	RealServers map[string]RealServerStatus `json:"real_servers"`
}

// Leaving says in words what the removal of the group waits for.
func (s RealServerGroupStatus) Leaving() string {
	var left uint64
	for _, server := range s.RealServers {
		left += server.ConnectionsLeft
	}
	return fmt.Sprintf("%d connections left to %d servers", left, len(s.RealServers))
}
