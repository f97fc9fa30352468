package spec

import (
	"fmt"
	"strings"
)

// Notification is what a hook is told.
type Notification struct {
	Director string `json:"director" doc:"name of the director that it happened on"`
	Event    Event  `json:"event"`
	// SyncGroup is that of the VRRP instance.
	SyncGroup string `json:"sync_group,omitempty"`
	// Lost counts the notifications before this one that the hook was never given.
	Lost uint64 `json:"lost,omitzero" doc:"how many before this one were given up"`
}

// HookID identifies a hook: the object that it belongs to, and its name in notify.
type HookID struct {
	Kind   Kind
	Object string
	Name   string
}

// String returns kind, object and name: vrrp_instance/web/pager.
func (id HookID) String() string { return string(id.Kind) + "/" + id.Object + "/" + id.Name }

// ParseHookID reads what String writes.
func ParseHookID(s string) (HookID, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return HookID{}, fmt.Errorf("%q does not name a hook: write KIND/OBJECT/HOOK, for example vrrp_instance/web/pager", s)
	}
	return HookID{Kind: Kind(parts[0]), Object: parts[1], Name: parts[2]}, nil
}

// Hook returns the hook of that id.
func (d Desired) Hook(id HookID) (Hook, bool) {
	v, ok := d.hooks(id.Kind, id.Object)[id.Name]
	return v, ok
}

// HooksFor returns the hooks that want an event.
func (d Desired) HooksFor(e Event) []HookID {
	switch {
	case e.Type == EventLost: // it may have been about any
		var all []HookID
		for name := range d.VRRPInstances {
			all = append(all, d.hooksFor(e, KindVRRPInstance, name)...)
		}
		for name := range d.VirtualServers {
			if e.Kind == "" {
				all = append(all, d.hooksFor(e, KindVirtualServer, name)...)
			}
		}
		return all
	case e.Kind == KindRealServer:
		return d.hooksFor(e, KindVirtualServer, e.Name)
	}
	return d.hooksFor(e, e.Kind, e.Name)
}

func (d Desired) hooksFor(e Event, kind Kind, object string) []HookID {
	var all []HookID
	for name, v := range d.hooks(kind, object) {
		if v.Wants(e) {
			all = append(all, HookID{Kind: kind, Object: object, Name: name})
		}
	}
	return all
}

func (d Desired) hooks(kind Kind, object string) map[string]Hook {
	switch kind {
	case KindVRRPInstance:
		return d.VRRPInstances[object].Notify
	case KindVirtualServer:
		return d.VirtualServers[object].Notify
	}
	return nil
}

// HookStatus is how a hook fares, since the agent was started.
type HookStatus struct {
	Waiting   int    `json:"waiting" doc:"notifications that are still to be delivered"`
	Delivered uint64 `json:"delivered"`
	Failures  uint64 `json:"failures" doc:"attempts that failed, and programs that exited with another status than 0"`
	Lost      uint64 `json:"lost" doc:"notifications that were given up: there were too many, or the web server refused them"`
	Reason    string `json:"reason,omitempty" doc:"why the last attempt failed"`
}
