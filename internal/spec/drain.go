package spec

import (
	"time"
)

// DefaultDrainTimeout bounds how long the connections of a real server that is removed are waited for.
const DefaultDrainTimeout = Duration(30 * time.Second)

const maxDrainTimeout = Duration(24 * time.Hour)

// Drain is a real server that gets no new connections, on request: for good, because it is being removed, or
// for as long as somebody works on it. It is part of what a director was asked for, so that it outlives the
// agent.
type Drain struct {
	// Server is what a server was that is being removed, and so no more among the real servers. nil is one
	// that rests until that is undone.
	Server *RealServer `json:"server,omitzero"`
	Since  time.Time   `json:"since"`
	// Timeout is how long the removal takes at most.
	Timeout Duration `json:"timeout,omitzero"`
}

// Removes reports whether the server is being removed.
func (d Drain) Removes() bool { return d.Server != nil }

// Deadline is when the server is removed at the latest; zero for one that rests.
func (d Drain) Deadline() time.Time {
	if !d.Removes() {
		return time.Time{}
	}
	return d.Since.Add(d.Timeout.Std())
}

// Removing returns the keys of a service's real servers that are being removed.
func (d Desired) Removing(service string) []ServerKey {
	var keys []ServerKey
	for address, drain := range d.Drains[service] {
		if drain.Removes() {
			keys = append(keys, ServerKey{VirtualServer: service, Address: address})
		}
	}
	return keys
}

// ValidateDrainTimeout reports a time that a drain cannot take. Its pointer is "".
func ValidateDrainTimeout(timeout Duration) FieldErrors {
	var errs FieldErrors
	if timeout < 0 || timeout > maxDrainTimeout {
		errs.add("", "%s is out of range: use 0s, which removes at once, to %s", timeout, maxDrainTimeout)
	}
	return errs
}

// RemoveServer returns the changes by which a real server goes: at once, or when its connections have ended,
// for which they have the timeout from now on.
func (d Desired) RemoveServer(key ServerKey, timeout Duration, now time.Time) []Change {
	server, exists := d.RealServers.Get(key)
	drain, draining := d.Drains.Get(key)
	var changes []Change
	if exists {
		changes = append(changes, Change{Kind: KindRealServer, Key: key.String()})
	}
	_, served := d.VirtualServers[key.VirtualServer]
	switch {
	case timeout > 0 && served && exists:
		changes = append(changes, Change{Kind: KindDrain, Key: key.String(), Value: Drain{Server: &server, Since: now, Timeout: timeout}})
	case draining && (exists || timeout == 0 && drain.Removes()):
		changes = append(changes, Change{Kind: KindDrain, Key: key.String()})
	}
	return changes
}

// PutServer returns the changes by which a real server comes, or comes back while it is being removed.
func (d Desired) PutServer(key ServerKey, v RealServer) []Change {
	changes := []Change{{Kind: KindRealServer, Key: key.String(), Value: v}}
	if d.Drains[key.VirtualServer][key.Address].Removes() {
		changes = append(changes, Change{Kind: KindDrain, Key: key.String()})
	}
	return changes
}
