package spec

import (
	"fmt"
	"maps"
)

// Change is one object put or deleted. Key is the object's name, for a real server its
// ServerKey.String(), for the IPVS settings IPVSSettingsKey. Value is the object's spec (VRRPInstance,
// VirtualServer, RealServer, CheckScript or IPVSSettings), or nil for a deletion.
type Change struct {
	Kind  Kind
	Key   string
	Value any
}

// With returns the desired state after the changes. The receiver is left as it was, and shares with the result all
// that they do not change: a real server costs as much as its virtual server has of them.
func (d Desired) With(changes ...Change) (Desired, error) {
	v := version{Desired: d, own: map[part]bool{}}
	for _, c := range changes {
		if err := v.change(c); err != nil {
			return Desired{}, fmt.Errorf("change %s %q: %w", c.Kind, c.Key, err)
		}
	}
	return v.Desired, nil
}

// version is a desired state that comes about. It shares maps with the one before until it writes to them.
type version struct {
	Desired
	// own are the maps that are not shared any more.
	own map[part]bool
}

// part names a map: that of a kind, or what it holds of one virtual server.
type part struct {
	kind          Kind
	virtualServer string
}

func (v *version) change(c Change) (err error) {
	switch c.Kind {
	case KindVRRPInstance:
		v.VRRPInstances, err = put(v, v.VRRPInstances, c)
	case KindVirtualServer:
		v.VirtualServers, err = put(v, v.VirtualServers, c)
	case KindCheckScript:
		v.CheckScripts, err = put(v, v.CheckScripts, c)
	case KindCreation:
		v.Creations, err = put(v, v.Creations, c)
	case KindRealServerGroup:
		v.Groups, err = put(v, v.Groups, c)
	case KindRealServer:
		v.RealServers, err = putServer(v, v.RealServers, c)
	case KindDrain:
		v.Drains, err = putServer(v, v.Drains, c)
	case KindIPVSSettings:
		var settings *IPVSSettings
		if c.Value != nil {
			var is IPVSSettings
			is, err = valueOf[IPVSSettings](c)
			settings = &is
		}
		v.IPVSSettings = settings
	default:
		err = fmt.Errorf("no such kind")
	}
	return err
}

// writable returns the map if it is the version's own, and otherwise a copy that is from now on.
func writable[M ~map[K]V, K comparable, V any](v *version, m M, of part) M {
	if v.own[of] {
		return m
	}
	v.own[of] = true
	if m == nil {
		return M{}
	}
	return maps.Clone(m)
}

func put[V any](v *version, objects map[string]V, c Change) (map[string]V, error) {
	objects = writable(v, objects, part{kind: c.Kind})
	if c.Value == nil {
		delete(objects, c.Key)
		return objects, nil
	}
	value, err := valueOf[V](c)
	if err == nil {
		objects[c.Key] = value
	}
	return objects, err
}

func putServer[V any](v *version, servers Servers[V], c Change) (Servers[V], error) {
	key, err := ParseServerKey(c.Key)
	if err != nil {
		return servers, err
	}
	servers = writable(v, servers, part{kind: c.Kind})
	servers[key.VirtualServer] = writable(v, servers[key.VirtualServer], part{c.Kind, key.VirtualServer})
	if c.Value == nil {
		servers.Delete(key)
		if servers[key.VirtualServer] == nil {
			delete(v.own, part{c.Kind, key.VirtualServer})
		}
		return servers, nil
	}
	value, err := valueOf[V](c)
	if err == nil {
		servers.Put(key, value)
	}
	return servers, err
}

// valueOf returns what is put.
func valueOf[V any](c Change) (V, error) {
	value, ok := c.Value.(V)
	if !ok {
		return value, fmt.Errorf("the value is a %T", c.Value)
	}
	return value, nil
}
