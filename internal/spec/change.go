package spec

import "fmt"

// Change is one object put or deleted. Key is the object's name, for a real server its
// ServerKey.String(), for the IPVS settings IPVSSettingsKey. Value is the object's spec (VRRPInstance,
// VirtualServer, RealServer, CheckScript or IPVSSettings), or nil for a deletion.
type Change struct {
	Kind  Kind
	Key   string
	Value any
}

// With returns the desired state after the changes. The receiver is left as it was.
func (d Desired) With(changes ...Change) (Desired, error) {
	d = d.Clone()
	for _, c := range changes {
		if err := d.change(c); err != nil {
			return Desired{}, fmt.Errorf("change %s %q: %w", c.Kind, c.Key, err)
		}
	}
	return d, nil
}

func (d *Desired) change(c Change) error {
	switch c.Kind {
	case KindVRRPInstance:
		return put(d.VRRPInstances, c.Key, c.Value)
	case KindVirtualServer:
		return put(d.VirtualServers, c.Key, c.Value)
	case KindCheckScript:
		return put(d.CheckScripts, c.Key, c.Value)
	case KindIPVSSettings:
		settings := map[string]IPVSSettings{}
		if err := put(settings, c.Key, c.Value); err != nil {
			return err
		}
		d.IPVSSettings = nil
		if v, ok := settings[c.Key]; ok {
			d.IPVSSettings = &v
		}
		return nil
	case KindRealServer:
		key, err := ParseServerKey(c.Key)
		if err != nil {
			return err
		}
		return put(d.RealServers, key, c.Value)
	case KindRealServerGroup:
		return put(d.Groups, c.Key, c.Value)
	case KindDrain:
		key, err := ParseServerKey(c.Key)
		if err != nil {
			return err
		}
		return put(d.Drains, key, c.Value)
	}
	return fmt.Errorf("no such kind")
}

func put[K comparable, V any](objects map[K]V, key K, value any) error {
	if value == nil {
		delete(objects, key)
		return nil
	}
	v, ok := value.(V)
	if !ok {
		return fmt.Errorf("the value is a %T", value)
	}
	objects[key] = v
	return nil
}
