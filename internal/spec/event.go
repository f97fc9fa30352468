package spec

import "time"

// Event is something that happened on a director. Type says what, Kind, Name and Server to which object,
// and one of the fields below them has what else there is to say.
type Event struct {
	// Revision numbers the events of a director, each one more than the one before. A restart goes on
	// counting. It is not the revision of the desired state.
	Revision uint64    `json:"revision" doc:"number of the event: one more than that of the event before, also across restarts"`
	Time     time.Time `json:"time" doc:"when it happened"`
	Type     EventType `json:"type" enum:"agent_started,spec_changed,state_changed,failover_begun,failover_ended,drain_begun,drain_ended,oddity_seen,drift_noticed,drift_repaired,events_lost"`
	Kind     Kind      `json:"kind,omitempty" enum:"vrrp_instance,virtual_server,real_server,check_script,ipvs_settings" doc:"of the object that it happened to"`
	Name     string    `json:"name,omitempty" doc:"name of the object; of a real server that of its virtual server; of agent_started that of the director"`
	Server   string    `json:"server,omitempty" doc:"address:port of the real server"`
	Reason   string    `json:"reason,omitempty" doc:"why, in words"`

	Spec   *ObjectChange `json:"spec,omitzero" doc:"spec_changed"`
	State  *StateChange  `json:"state,omitzero" doc:"state_changed"`
	Drain  *DrainState   `json:"drain,omitzero" doc:"drain_begun and drain_ended"`
	Oddity *OddityEvent  `json:"oddity,omitzero" doc:"oddity_seen"`
	Drift  *DriftEvent   `json:"drift,omitzero" doc:"drift_noticed and drift_repaired"`
}

// EventType names what happened. It is the event field of the stream, too.
type EventType string

// The types of events.
const (
	// EventAgentStarted is the first of every process. What happened while none ran has no event.
	EventAgentStarted EventType = "agent_started"
	// EventSpecChanged: an object was put or deleted.
	EventSpecChanged EventType = "spec_changed"
	// EventStateChanged: a VRRP instance, virtual server, real server or check script is not as it was.
	EventStateChanged EventType = "state_changed"
	// EventFailoverBegun and EventFailoverEnded: a VRRP instance hands over on request and stays away; it
	// takes part again, on request, because the other router left, or because none took over.
	EventFailoverBegun EventType = "failover_begun"
	EventFailoverEnded EventType = "failover_ended"
	// EventDrainBegun and EventDrainEnded: a real server gets no new connections on request; it was removed,
	// or gets them again.
	EventDrainBegun EventType = "drain_begun"
	EventDrainEnded EventType = "drain_ended"
	// EventOdditySeen: another router's configuration is at odds with ours. Once a minute at most for
	// each instance and oddity.
	EventOdditySeen EventType = "oddity_seen"
	// EventDriftNoticed and EventDriftRepaired: somebody else changed what the kernel holds; it is as wanted
	// again. Virtual addresses are put back as soon as they are missed: of these only the repair is told.
	EventDriftNoticed  EventType = "drift_noticed"
	EventDriftRepaired EventType = "drift_repaired"
	// EventLost: the agent was too busy to note what happened to its VRRP instances. /v1/status has what
	// came of it.
	EventLost EventType = "events_lost"
)

// EventDropped is in the stream alone: the reader was too slow, events that it has not read are gone,
// and nothing more comes. It has no revision.
const EventDropped EventType = "dropped"

// States of a real server in events. Those of a VRRP instance are InstanceState, those of a virtual server
// ServiceUp and ServiceDown, those of a check script passing and failing.
const (
	ServerHealthy   = "healthy"
	ServerUnhealthy = "unhealthy"
)

// ObjectChange is what became of an object's spec.
type ObjectChange struct {
	Revision uint64 `json:"revision" doc:"of the desired state, as in the status"`
	ETag     string `json:"etag,omitempty" doc:"of the new spec; left out when the object was deleted"`
}

// StateChange is from what to what a state went.
type StateChange struct {
	From              string `json:"from,omitempty" doc:"left out when nothing was known before"`
	To                string `json:"to" doc:"VRRP instance: initialize, backup, active, fault; virtual server: up, down; real server: healthy, unhealthy; check script: passing, failing"`
	EffectivePriority int    `json:"effective_priority,omitzero" doc:"of a VRRP instance"`
	ActiveRouter      string `json:"active_router,omitempty" doc:"of a VRRP instance: primary address of the router that is active as far as this one knows"`
}

// OddityEvent is how another router's adverts do not match.
type OddityEvent struct {
	Oddity string `json:"oddity" enum:"checksum_rfc5798,address_list,interval,two_owners,version,authentication"`
	Source string `json:"source" doc:"address of the other router"`
}

// DriftEvent is a Drift without its object, which the event names.
type DriftEvent struct {
	Field  string `json:"field"`
	Actual string `json:"actual" doc:"what somebody else made of it"`
	Want   string `json:"want"`
}

// Event returns the event that the difference was noticed or repaired.
func (d Drift) Event(t EventType) Event {
	return Event{Type: t, Kind: d.Kind, Name: d.Name, Server: d.Server,
		Drift: &DriftEvent{Field: d.Field, Actual: d.Actual, Want: d.Want}}
}

// Repaired returns the difference that an event of the type EventDriftRepaired is about.
func (e Event) Repaired() Drift {
	return Drift{Kind: e.Kind, Name: e.Name, Server: e.Server,
		Field: e.Drift.Field, Actual: e.Drift.Actual, Want: e.Drift.Want, Repaired: e.Time}
}

// EventsStatus says which events a director can still tell.
type EventsStatus struct {
	Revision  uint64 `json:"revision" doc:"of the last event; 0 before the first"`
	Compacted uint64 `json:"compacted" doc:"events up to this revision are gone: /v1/events?since= with it reads all that are kept"`
}
