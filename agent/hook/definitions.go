package hook

import (
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// farewell is how long hooks of an object that was deleted are still told of it: that an instance leaves its state
// happens after it is wanted no more, and a web server may need a second attempt.
const farewell = time.Minute

// definitions are the hooks of objects as they were when these were last put, for those that are deleted since. Hooks'
// lock guards it.
type definitions struct {
	// last has objects with hooks alone.
	last spec.Desired
	// until says how long a deleted object's are kept.
	until map[object]time.Time
}

type object struct {
	kind spec.Kind
	name string
}

func newDefinitions(desired spec.Desired) definitions {
	d := definitions{until: map[object]time.Time{},
		last: spec.Desired{VRRPInstances: map[string]spec.VRRPInstance{}, VirtualServers: map[string]spec.VirtualServer{}}}
	for name := range desired.VRRPInstances {
		d.changed(object{spec.KindVRRPInstance, name}, desired)
	}
	for name := range desired.VirtualServers {
		d.changed(object{spec.KindVirtualServer, name}, desired)
	}
	return d
}

// changed notes that an object was put or deleted.
func (d *definitions) changed(o object, desired spec.Desired) {
	if !wanted(o, desired) {
		if _, gone := d.until[o]; !gone && wanted(o, d.last) {
			d.until[o] = time.Now().Add(farewell)
		}
		return
	}
	d.forget(o)
	if v := desired.VRRPInstances[o.name]; o.kind == spec.KindVRRPInstance && len(v.Notify) > 0 {
		d.last.VRRPInstances[o.name] = v
	}
	if v := desired.VirtualServers[o.name]; o.kind == spec.KindVirtualServer && len(v.Notify) > 0 {
		d.last.VirtualServers[o.name] = v
	}
}

func (d *definitions) forget(o object) {
	delete(d.until, o)
	switch o.kind {
	case spec.KindVRRPInstance:
		delete(d.last.VRRPInstances, o.name)
	case spec.KindVirtualServer:
		delete(d.last.VirtualServers, o.name)
	}
}

// expire forgets what was deleted long enough ago.
func (d *definitions) expire() {
	now := time.Now()
	for o, until := range d.until {
		if !now.Before(until) {
			d.forget(o)
		}
	}
}

// of returns what has the hooks of an object: what is asked for, or, when it is deleted, what was.
func (d *definitions) of(o object, desired spec.Desired) spec.Desired {
	if wanted(o, desired) || !wanted(o, d.last) {
		return desired
	}
	if until, gone := d.until[o]; gone && !time.Now().Before(until) {
		return desired
	}
	return d.last // also when it is gone and the event of that has not been read yet
}

// wanted reports whether an object is there.
func wanted(o object, in spec.Desired) bool {
	there := false
	switch o.kind {
	case spec.KindVRRPInstance:
		_, there = in.VRRPInstances[o.name]
	case spec.KindVirtualServer:
		_, there = in.VirtualServers[o.name]
	}
	return there
}

// about returns the object whose hooks are told of an event.
func about(e spec.Event) object {
	if e.Kind == spec.KindRealServer {
		return object{spec.KindVirtualServer, e.Name}
	}
	return object{e.Kind, e.Name}
}
