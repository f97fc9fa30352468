package agent

import (
	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// openEvents makes the log of events, which goes on counting where an earlier process stopped.
func (a *Agent) openEvents() {
	revision, err := a.store.BeginEvents()
	if err != nil {
		// A director works without: a reader who missed events may not be told so.
		a.log.Error("events may have numbers that others had before", "error", err)
	}
	a.events = event.New(event.Capacity, revision)
	a.store.OnStored(func(d spec.Desired, changes []spec.Change) { a.events.Publish(specChanges(d, changes)...) })
}

// closeEvents writes down how far the events were counted.
func (a *Agent) closeEvents() error {
	if a.events == nil {
		return nil
	}
	return a.store.EndEvents(a.events.Status().Revision)
}

// specChanges are the events of one write to the store.
func specChanges(d spec.Desired, changes []spec.Change) []spec.Event {
	var events []spec.Event
	for _, c := range changes {
		e := spec.Event{Type: spec.EventSpecChanged, Kind: c.Kind, Name: c.Key, Spec: &spec.ObjectChange{Revision: d.Revision}}
		if key, err := spec.ParseServerKey(c.Key); err == nil && c.Kind == spec.KindRealServer {
			e.Name, e.Server = key.VirtualServer, key.Address.String()
		}
		if c.Value != nil {
			e.Spec.ETag = spec.ETag(c.Value)
		}
		events = append(events, e)
	}
	return events
}
