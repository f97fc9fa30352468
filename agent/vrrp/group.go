package vrrp

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// A sync group is active with all of its members or with none. What that takes is decided in two places.
// Faults and priorities are the same for all members before the machines hear of them (together); when the
// machines become active or yield is decided as they step (decide).

// together makes the members of each sync group alike: one in fault, and all are; and all have the lowest
// of their effective priorities, because otherwise one director could win one instance, and another another,
// for ever. Only an owner keeps its own.
func together(members map[string]*input) {
	groups := map[string][]string{}
	for name, in := range members {
		if in.group != "" {
			groups[in.group] = append(groups[in.group], name)
		}
	}
	for group, names := range groups {
		slices.Sort(names)
		lowest := uint8(priorityOwner)
		fault, hold := "", ""
		for _, name := range names {
			in := members[name]
			lowest = min(lowest, in.params.Priority)
			if in.reason != "" && fault == "" {
				fault = fmt.Sprintf("sync group %q: VRRP instance %q: %s", group, name, in.reason)
			}
			if in.hold != "" && hold == "" {
				hold = fmt.Sprintf("sync group %q: VRRP instance %q: %s", group, name, in.hold)
			}
		}
		for rank, name := range names {
			in := members[name]
			in.members = len(names)
			in.params.Grouped = len(names) > 1
			if in.params.Priority != priorityOwner {
				in.params.Priority = lowest
			}
			in.params.TieDelay = tieDelay(in.params, rank)
			if in.reason == "" {
				in.reason = fault
			}
			if in.hold == "" {
				in.hold = hold
			}
		}
	}
}

// tieDelay lets one member of a sync group break a tie between directors of equal priority: the first by name, on
// which all agree. With the address of each network deciding there, one director could lose here and the other
// there, and both yield, again and again in step. The next member's turn comes when the first one has heard nobody
// for long enough to be cut off.
func tieDelay(p Parameters, rank int) time.Duration {
	return time.Duration(rank) * p.ActiveDownInterval(p.Interval)
}

// decision is what the members of a sync group are to do.
type decision uint8

const (
	// goOn: what they do is right, or cannot be helped yet.
	goOn decision = iota
	// goActive: all are ready, or active already.
	goActive
	// goBackup: one follows another router, so none may be active.
	goBackup
)

// decide looks at all members of a sync group.
func decide(members []*Machine) decision {
	active, ready, following := 0, 0, 0
	for _, m := range members {
		switch {
		case m.State() == spec.InstanceActive:
			active++
		case m.Ready():
			ready++
		case m.Following():
			following++
		}
	}
	switch {
	case following > 0 && active > 0:
		return goBackup
	case ready > 0 && active+ready == len(members):
		return goActive
	}
	return goOn
}

// groups are the routers of each sync group, on the thread.
type groups map[string][]*router

// move takes a router from its sync group to another; "" is none.
func (g groups) move(r *router, to string) {
	if r.group == to {
		return
	}
	if left := slices.DeleteFunc(g[r.group], func(o *router) bool { return o == r }); len(left) > 0 {
		g[r.group] = left
	} else {
		delete(g, r.group)
	}
	if r.group = to; to != "" {
		g[to] = append(g[to], r)
	}
}

// settle has the sync group of a router do what it is to do after that one took a step.
func (l *loop) settle(r *router, now time.Duration) {
	if r.group == "" {
		return
	}
	members := l.groups[r.group]
	if len(members) < r.members {
		return // the others are on their way
	}
	l.machines = l.machines[:0]
	for _, m := range members {
		l.machines = append(l.machines, m.machine)
	}
	var ev Event
	switch decide(l.machines) {
	case goOn:
		return
	case goActive:
		ev = Together{}
	case goBackup:
		ev = Yield{}
	}
	for _, m := range members {
		m.stepAlone(l, now, ev)
	}
}

// groupOf returns the routers of an instance's sync group, or the one of the instance. It is called with mu
// held.
func (e *Engine) groupOf(name string) []*router {
	en, ok := e.entries[name]
	switch {
	case !ok || en.router == nil:
		return nil
	case en.spec.SyncGroup == "":
		return []*router{en.router}
	}
	var all []*router
	for _, name := range slices.Sorted(maps.Keys(e.entries)) {
		if other := e.entries[name]; other.spec.SyncGroup == en.spec.SyncGroup && other.router != nil {
			all = append(all, other.router)
		}
	}
	return all
}
