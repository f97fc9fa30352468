package check

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Config is what a Checker works with.
type Config struct {
	// Prober probes: Network at work, Assume to touch nothing.
	Prober Prober
	// Starter begins what it can without a goroutine: a Connector at work. nil is none, and all is the Prober's.
	Starter Starter
	// Log gets changes of verdicts at Info, single results at Debug. nil logs nothing.
	Log *slog.Logger
	// Changed is called after results changed verdicts, with the names of the virtual servers on whose
	// servers; with none it is a script's. It must not block, and may call the Checker. Set itself never
	// calls it, though it may change verdicts, too. nil is nobody to tell.
	Changed func(virtualServers ...string)
	// Publish is told of changed verdicts on scripts. It must not block, nor call the Checker. nil is nobody
	// to tell.
	Publish func(...spec.Event)
	// Presence knows which virtual addresses are in service elsewhere. nil is none.
	Presence Presence
	// Limit is how many rounds may go on at once; what is due beyond that waits. 0 is as many as there are
	// descriptors for.
	Limit int
	// Jitter returns where in its interval a check's rounds come to lie, from 0 to less than 1. It is asked
	// once a check. nil is anywhere: so neither the checks of one director fall on one moment, nor those of
	// two directors that began together.
	Jitter func() float64
}

// Checker checks what it was told to, and knows the verdicts.
type Checker struct {
	prober  Prober
	log     *slog.Logger
	changed func(virtualServers ...string)
	publish func(...spec.Event)
	limit   int
	jitter  func() float64
	present Presence
	starter Starter        // in which Run sleeps until it has something to look at
	moves   chan struct{}  // addresses may have moved
	looking chan struct{}  // holds a token during a look
	rounds  sync.WaitGroup // those under way

	mu      sync.Mutex
	servers spec.Servers[*target]
	// scripts are those that are run for themselves.
	scripts map[string]*target
	series  map[subject]*series
	// elsewhere are the virtual addresses that are not in service here, as of the last look; moved says that they
	// may be others.
	elsewhere map[netip.Addr]bool
	moved     bool
	// fresh are series that were never scheduled; waiting are those at rest; running are those whose round is under
	// way, along with abandoned ones whose last round is.
	fresh            []*series
	waiting, running timetable
	stuck            int       // how many of running are
	armed            time.Time // when Run looks next by itself
	tally            tally
	handed           Handover // what another process knew, until the first Set
}

// New returns a Checker with nothing to check.
func New(c Config) *Checker {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Changed == nil {
		c.Changed = func(...string) {}
	}
	if c.Publish == nil {
		c.Publish = func(...spec.Event) {}
	}
	if c.Starter == nil {
		c.Starter = unstarted{woken: make(chan struct{}, 1)}
	}
	if c.Limit == 0 {
		c.Limit = defaultLimit()
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return &Checker{
		prober: c.Prober, log: c.Log, changed: c.Changed, publish: c.Publish, limit: c.Limit, jitter: c.Jitter, present: c.Presence, moved: true,
		starter: c.Starter, moves: make(chan struct{}, 1), looking: make(chan struct{}, 1),
		servers: spec.Servers[*target]{}, scripts: map[string]*target{}, series: map[subject]*series{},
	}
}

// Set says what there is to check: each real server whose service has a health check, and each check
// script. What is as it was keeps its counters and its rhythm. What is defined anew keeps its verdict
// until the new check's first result; what is new is Unknown until then. It may be called at any time,
// also before Run, and returns at once.
//
// Changed are the virtual servers in which d is not what was set before; without any it may differ anywhere.
func (c *Checker) Set(d spec.Desired, changed ...string) {
	c.look()
	c.mu.Lock()
	defer c.mu.Unlock()
	p := newPlanner(d)
	if len(changed) > 0 {
		for _, name := range changed {
			c.setServers(d, p, name)
		}
	} else {
		c.setAll(d, p)
	}
	c.hint()
}

func (c *Checker) setAll(d spec.Desired, p planner) {
	for name, t := range c.scripts {
		if _, wanted := d.CheckScripts[name]; wanted {
			continue
		}
		c.stop(t)
		if t.hold(); !tracked(d, name) {
			delete(c.scripts, name)
		}
	}
	for name := range d.CheckScripts {
		c.scripts[name] = c.define(c.scripts[name], id{script: name}, p.script(name))
	}
	for name := range c.servers {
		c.setServers(d, p, name)
	}
	for name := range d.RealServers {
		c.setServers(d, p, name)
	}
	c.handed = Handover{} // what comes later is new
}

// setServers says how the servers of one virtual server are to be checked.
func (c *Checker) setServers(d spec.Desired, p planner, name string) {
	members := d.RealServers[name]
	service, exists := d.VirtualServers[name]
	if !exists {
		members = nil
	}
	wanted := make(map[netip.AddrPort]*target, len(members))
	for address, server := range members {
		key := spec.ServerKey{VirtualServer: name, Address: address}
		wanted[address] = c.define(c.servers[name][address], id{server: key}, p.server(key, service, server))
	}
	for address, t := range c.servers[name] {
		if wanted[address] == nil {
			c.stop(t)
		}
	}
	c.servers[name] = wanted
	if len(wanted) == 0 {
		delete(c.servers, name)
	}
}

// define says how a target is to be checked, which may be a new one.
func (c *Checker) define(t *target, of id, want *plan) *target {
	var was TargetHandover
	handed := false
	if t == nil {
		t = &target{id: of}
		was, handed = c.handedOver(of)
	} else if t.want.equal(want) {
		return t
	}
	t.define(want)
	if handed = handed && want != nil; handed {
		t.takeOver(was)
	}
	if want != nil && c.elsewhere[want.only] {
		t.pause()
	}
	if t.series != nil && t.run != nil && t.series.subject == t.run.subject {
		return t
	}
	c.stop(t)
	switch {
	case t.run == nil:
	case handed:
		c.resume(t, was.Due)
	default:
		c.check(t)
	}
	return t
}

// check has a series run a target's plan, an equal one if there is one.
func (c *Checker) check(t *target) {
	s := c.series[t.run.subject]
	if s == nil {
		s = &series{subject: t.run.subject, round: t.run.round}
		c.series[s.subject] = s
		c.fresh = append(c.fresh, s)
	}
	before := t.counter.verdict
	if s.join(t) {
		c.told(t, before)
	}
}

// stop has nothing run a target's plan any more. A round that is under way for nobody else is ended.
func (c *Checker) stop(t *target) {
	s := t.series
	if s == nil || !s.leave(t) {
		return
	}
	delete(c.series, s.subject)
	switch {
	case s.end != nil:
		s.end(context.Canceled)
	case s.due.IsZero():
		// It is among the fresh ones, where its lack of targets is noticed.
	default:
		c.waiting.remove(s)
	}
}

// Server returns the verdict on a real server, and in words why it is not passing, or what its last
// check complained of. A server whose service has no health check passes.
func (c *Checker) Server(key spec.ServerKey) (v Verdict, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.servers.Get(key); ok {
		return t.verdict(), t.why()
	}
	return Unknown, notYet
}

// Facts returns what the health check of a real server has seen; ok is false when it has none.
func (c *Checker) Facts(key spec.ServerKey) (_ spec.CheckFacts, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.servers.Get(key)
	if !ok || t.want == nil {
		return spec.CheckFacts{}, false
	}
	return t.facts(time.Now()), true
}

// Weight returns the weight that the last pass of a real server's check script gave it; ok is false where it has
// its own.
func (c *Checker) Weight(key spec.ServerKey) (weight int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, known := c.servers.Get(key); known && t.weight != nil {
		return *t.weight, true
	}
	return 0, false
}

// Script returns the verdict on a check script; known is false until its first result. The last verdict
// on a script that was deleted holds for as long as an instance's priority depends on it.
func (c *Checker) Script(name string) (passing, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.scripts[name]; ok {
		return t.counter.verdict == Passing, t.counter.verdict != Unknown
	}
	return false, false
}

// Scripts returns the state of all check scripts, those included whose last verdict is held.
func (c *Checker) Scripts() map[string]spec.CheckScriptStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]spec.CheckScriptStatus, len(c.scripts))
	for name, t := range c.scripts {
		all[name] = spec.CheckScriptStatus{
			CheckScriptState: spec.CheckScriptState{Passing: t.counter.verdict == Passing, Reason: t.why()},
			Runs:             t.runs,
			Failures:         t.failures,
			Check:            t.facts(time.Now()),
		}
	}
	return all
}
