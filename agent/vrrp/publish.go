package vrrp

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// stateChanged is the event that a router's state is another one now.
func (r *router) stateChanged(from spec.InstanceState) spec.Event {
	now := r.state.Load()
	return spec.Event{Type: spec.EventStateChanged, Time: now.Since, Kind: spec.KindVRRPInstance, Name: r.name, Reason: now.Reason,
		State: &spec.StateChange{From: string(from), To: string(now.State), EffectivePriority: now.EffectivePriority, ActiveRouter: now.ActiveRouter}}
}

// failoverNote says that a failover has begun or ended, for whatever reason.
func (r *router) failoverNote(what spec.EventType) note {
	message := "failover has begun"
	if what == spec.EventFailoverEnded {
		message = "failover has ended"
	}
	return note{log: r.log, level: slog.LevelInfo, message: message,
		events: []spec.Event{{Type: what, Time: time.Now().Round(0), Kind: spec.KindVRRPInstance, Name: r.name}}}
}

func odditySeen(instance string, o Oddity, source netip.Addr) spec.Event {
	return spec.Event{Type: spec.EventOdditySeen, Kind: spec.KindVRRPInstance, Name: instance, Reason: o.remedy(),
		Oddity: &spec.OddityEvent{Oddity: string(o), Source: source.String()}}
}

// addressesRestored tells of drift that was repaired as soon as it was noticed.
func addressesRestored(instance string, addresses []netip.Prefix) []spec.Event {
	var events []spec.Event
	for _, p := range addresses {
		d := spec.Drift{Kind: spec.KindVRRPInstance, Name: instance, Field: "virtual_addresses", Actual: "without " + p.String(), Want: p.String()}
		events = append(events, d.Event(spec.EventDriftRepaired))
	}
	return events
}

// tellLost tells of the events that the thread could not hand over since the last time.
func (e *Engine) tellLost(l *loop) {
	if n := l.lost.Swap(0); n > 0 {
		e.Publish(spec.Event{Type: spec.EventLost, Kind: spec.KindVRRPInstance, Reason: fmt.Sprintf("%d events of VRRP instances came faster than they could be told", n)})
	}
}
