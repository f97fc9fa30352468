package vrrp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Scripts tells the verdicts of check scripts.
type Scripts interface {
	// Script returns the verdict on a script. known is false until there is one.
	Script(name string) (passing, known bool)
}

// Services tells how virtual servers are.
type Services interface {
	// Service reports whether a virtual server takes connections. known is false until its checks say so,
	// and when there is no such virtual server.
	Service(name string) (up, known bool)
	// Awaited reports whether the verdict on a virtual server on one of the addresses is still to come, and on
	// which, as far as they are known.
	Awaited(addresses []netip.Addr) (virtualServers []string, awaited bool)
}

// noServices is Services of a director that has none.
type noServices struct{}

func (noServices) Service(string) (up, known bool)       { return false, false }
func (noServices) Awaited([]netip.Addr) ([]string, bool) { return nil, false }

// trackers returns all that an instance tracks, as it is now, in an order of its own.
func (e *Engine) trackers(en *entry) []Tracker {
	var all []Tracker
	for _, name := range sorted(en.spec.TrackScripts) {
		passing, known := e.script(name)
		all = append(all, verdict(en.spec.TrackScripts[name], passing, known, words{
			passes:  fmt.Sprintf("check script %q passes", name),
			fails:   fmt.Sprintf("check script %q fails", name),
			unknown: fmt.Sprintf("check script %q has not run yet", name),
		}))
	}
	for _, name := range sorted(en.spec.TrackInterfaces) {
		track := en.spec.TrackInterfaces[name]
		t := Tracker{Weight: track.Weight, Inverse: track.Inverse, Known: true, Passing: true, Reason: fmt.Sprintf("interface %s is up", name)}
		if err := e.Interfaces.Carrier(name); err != nil {
			t.Passing, t.Reason = false, err.Error()
		}
		all = append(all, t)
	}
	for _, name := range sorted(en.spec.TrackVirtualServers) {
		up, known := e.service(en, name)
		all = append(all, verdict(en.spec.TrackVirtualServers[name], up, known, words{
			passes:  fmt.Sprintf("virtual server %q is up", name),
			fails:   fmt.Sprintf("virtual server %q is down", name),
			unknown: fmt.Sprintf("virtual server %q has not been checked yet", name),
		}))
	}
	return all
}

func sorted(tracks map[string]spec.Track) []string { return slices.Sorted(maps.Keys(tracks)) }

// words say how a tracked thing is.
type words struct{ passes, fails, unknown string }

func verdict(track spec.Track, passing, known bool, say words) Tracker {
	t := Tracker{Weight: track.Weight, Inverse: track.Inverse, Known: known, Passing: passing, Reason: say.fails}
	switch {
	case !known:
		t.Reason = say.unknown
	case passing:
		t.Reason = say.passes
	}
	return t
}

// script returns the verdict on a tracked check script.
func (e *Engine) script(name string) (passing, known bool) {
	passing, known = e.Scripts.Script(name)
	return e.lastVerdict(tracked{trackedScript, name}, passing, known)
}

// service returns the verdict on a tracked virtual server. The last one holds while there is none: one that
// is replaced, or deleted before the reference to it, is no reason to move a role.
func (e *Engine) service(en *entry, name string) (up, known bool) {
	up, known = e.Services.Service(name)
	if known {
		if en.services == nil {
			en.services = map[string]bool{}
		}
		en.services[name] = up
	} else {
		up, known = en.services[name]
	}
	return e.lastVerdict(tracked{trackedVirtualServer, name}, up, known)
}
