package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Config is what an engine works with.
type Config struct {
	Interfaces Interfaces
	Addresses  Addresses
	// VirtualLinks are for instances with a virtual MAC.
	VirtualLinks VirtualLinks
	// Acceptance is for instances with accept_mode = false.
	Acceptance Acceptance
	Routes     Routes
	Network    Network
	Scripts    Scripts
	// Services may be nil: then there are none.
	Services Services
	// StartupHold is how long an instance waits for the services on its addresses before it becomes active.
	StartupHold time.Duration
	Log         *slog.Logger
	// Traces make an instance go on as active after the process was killed. They may be nil.
	Traces *Traces
	// Changed is called after the state of an instance changed. It may be nil, and must not block.
	Changed func()
	// Publish is told what happens to instances. It may be nil, and must not block.
	Publish func(...spec.Event)
}

// Engine takes part in all virtual routers of a director.
type Engine struct {
	Config
	// trigger has room for one: what the priorities or readiness depend on may have changed.
	trigger  chan struct{}
	lateness lateness

	mu      sync.Mutex
	entries map[string]*entry
	holds   map[string]time.Time // until when an instance is held back, by name
	ports   map[attachment]*port
	// verdicts are where those on what is tracked are kept.
	verdicts map[tracked]*atomic.Int64
	loop     *loop   // nil while not running
	ear      *ear    // nil while not running
	holder   *holder // nil while not running
	// awaiting: another process takes part, and prepared is what the instances are to be told after that. awaited is
	// closed when the engine runs.
	awaiting bool
	awaited  chan struct{}
	prepared map[string]*input
	// suspended: nothing is done, for the next process to go on.
	suspended bool
}

// entry is one instance as it is asked for, and what the thread was told about it.
type entry struct {
	spec     spec.VRRPInstance
	claimErr error
	// services are the last verdicts on tracked virtual servers.
	services map[string]bool
	// holdUntil is when the instance stops to wait for verdicts, at the latest, and held that it has.
	holdUntil time.Time
	held      bool
	router    *router // nil while not running
	told      *input
}

// NewEngine returns an engine without instances. Nothing happens before Run.
func NewEngine(c Config) *Engine {
	if c.Changed == nil {
		c.Changed = func() {}
	}
	if c.Publish == nil {
		c.Publish = func(...spec.Event) {}
	}
	if c.Services == nil {
		c.Services = noServices{}
	}
	return &Engine{Config: c, trigger: make(chan struct{}, 1), entries: map[string]*entry{}, holds: map[string]time.Time{}, ports: map[attachment]*port{},
		verdicts: map[tracked]*atomic.Int64{}}
}

// Set makes the engine take part in these instances and no others. An instance that is as before is not
// touched: no advert, no address work. Another virtual_router_id, interface or family restarts its
// instance; everything else is changed in place, without leaving the role. When Set returns, the changes are in
// force, an instance that is gone has said so and its addresses are off the interface. The error names
// the addresses that may not be had; those instances are in fault, and all others are as asked.
//
// Set may be called before Run. Addresses that an earlier process left, and that no instance wants, are
// removed by the first call.
func (e *Engine) Set(instances map[string]spec.VRRPInstance) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, en := range e.entries {
		v, wanted := instances[name]
		if !wanted || v.VirtualRouterID != en.spec.VirtualRouterID || v.Interface != en.spec.Interface || v.Family() != en.spec.Family() {
			e.retire(en)
			delete(e.entries, name)
		}
	}
	for name, v := range instances {
		if en, ok := e.entries[name]; ok {
			en.spec = v
		} else {
			e.entries[name] = &entry{spec: v}
		}
	}
	err := e.claim()
	e.reconcile()
	wanted := map[string][]netip.Prefix{}
	var routes []spec.VirtualRoute
	var links []spec.VirtualLink
	for _, en := range e.entries {
		for _, p := range placesOf(en.spec) {
			wanted[p.iface] = append(wanted[p.iface], p.prefix)
		}
		if l, has := en.spec.VirtualLink(); has {
			links = append(links, l)
		}
		routes = append(routes, en.spec.Routes()...)
	}
	if bad := e.Routes.RetainRoutes(routes); bad != nil {
		err = errors.Join(err, fmt.Errorf("remove routes that no instance has any more: %w", bad))
	}
	if bad := e.VirtualLinks.RetainLinks(links); bad != nil {
		err = errors.Join(err, fmt.Errorf("remove interfaces that no instance has any more: %w", bad))
	}
	if bad := e.Addresses.Retain(wanted); bad != nil {
		err = errors.Join(err, fmt.Errorf("remove addresses that no instance has any more: %w", bad))
	}
	return err
}

// claim claims the addresses of all instances.
func (e *Engine) claim() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(e.entries)) {
		en := e.entries[name]
		if en.claimErr = e.claimFor(en.spec); en.claimErr != nil {
			errs = append(errs, &spec.ObjectError{Kind: spec.KindVRRPInstance, Name: name, Err: en.claimErr})
		}
	}
	return errors.Join(errs...)
}

func (e *Engine) claimFor(v spec.VRRPInstance) error {
	claim := e.Addresses.Claim
	if v.Priority == priorityOwner {
		claim = e.Addresses.ClaimForOwner
	}
	return byInterface(placesOf(v), claim)
}

// retire ends an instance: it says so to the others, and its addresses are off when retire returns.
func (e *Engine) retire(en *entry) {
	if en.router == nil || e.loop == nil {
		return
	}
	l, r := e.loop, en.router
	l.post(func() {
		r.reason = ""
		r.step(l, monotonic(), Shutdown{})
		l.remove(r)
	})
	l.flush()
	e.holder.drop(r)
	en.router, en.told = nil, nil
}

// Trigger says that verdicts on what is tracked may have changed. It does not block.
func (e *Engine) Trigger() {
	select {
	case e.trigger <- struct{}{}:
	default:
	}
}

// Status returns the status of every instance.
func (e *Engine) Status() map[string]spec.VRRPInstanceStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make(map[string]spec.VRRPInstanceStatus, len(e.entries))
	for name, en := range e.entries {
		status := spec.VRRPInstanceStatus{VRRPInstanceState: spec.VRRPInstanceState{
			State: spec.InstanceInitialize, EffectivePriority: en.spec.Priority}}
		if en.router != nil {
			status = en.router.status()
		}
		l, _ := en.spec.VirtualLink()
		status.VirtualMAC, status.VirtualInterface = l.MAC, l.Name
		all[name] = status
	}
	return all
}

// Drops returns, by interface and reason, the datagrams that were dropped and belonged to no instance.
func (e *Engine) Drops() map[string]map[string]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string]map[string]uint64{}
	for on, p := range e.ports {
		for reason, n := range p.drops.counts() {
			if all[on.iface] == nil {
				all[on.iface] = map[string]uint64{}
			}
			all[on.iface][reason] += n
		}
	}
	return all
}

// Lateness tells how much later than due adverts have left since the engine was made.
func (e *Engine) Lateness() Lateness { return e.lateness.snapshot() }

const (
	// pollInterval is how often everything is looked at although nothing hinted at a change: hints get lost.
	pollInterval = 5 * time.Second
	// hintGap is the least time between two looks that hints cause. They come in swarms, of our own
	// addresses' making, too.
	hintGap = 100 * time.Millisecond
	// noteQueue is how many log lines may wait to be written.
	noteQueue = 1024
)

// Run takes part until ctx ends. Then active instances hand over: they say that they stop, keep their
// addresses until another router is heard, though not for long, and let go. Run may be called again.
func (e *Engine) Run(ctx context.Context) error {
	notes := make(chan note, noteQueue)
	h := newHolder(e.Addresses, e.VirtualLinks, e.Routes)
	l, err := newLoop(h, newNotes(notes), &e.lateness)
	if err != nil {
		return fmt.Errorf("start VRRP: %w", err)
	}
	hearing, err := newEar(l)
	if err != nil {
		return errors.Join(fmt.Errorf("start VRRP: %w", err), l.close())
	}

	var tasks sync.WaitGroup
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	hints := make(chan struct{}, 1)
	tasks.Go(func() { e.write(notes, l) })
	tasks.Go(func() { h.Run(background) })
	tasks.Go(func() { e.watch(watching, hints) })
	refused := e.onRefusal()
	tasks.Go(func() {
		if deaf := hearing.run(refused); deaf != nil { // who hears nothing must not speak
			l.post(func() {
				l.failure = deaf
				l.stop()
			})
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- l.run(refused) }()

	e.begin(l, hearing, h)
	err = e.supervise(ctx, hints, ended)
	last := l.stop
	if e.end(l); e.leaves() {
		last = l.leave
	}
	if err == nil {
		l.post(last)
		err = <-ended
	}
	hearing.stop()
	<-hearing.done
	stopWatching()
	if !e.leaves() {
		e.letGo()
	}
	stop()
	close(notes)
	tasks.Wait()
	e.discard()
	return errors.Join(err, l.close(), hearing.close())
}

// onRefusal says once, for both threads, that they have no real-time priority.
func (e *Engine) onRefusal() func(error) {
	var once sync.Once
	return func(err error) {
		once.Do(func() {
			e.Log.Info("adverts are sent and heard without real-time priority: a loaded machine may delay them", "error", err)
		})
	}
}

// begin lets Set reach the threads.
func (e *Engine) begin(l *loop, hearing *ear, h *holder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loop, e.ear, e.holder = l, hearing, h
	if err := e.claim(); err != nil {
		e.Log.Warn("some virtual addresses may not be had", "error", err)
	}
	e.reconcile()
	if e.awaiting {
		close(e.awaited)
	}
}

// leaves reports whether the next process goes on with all instances: nobody is to notice that this one ends.
func (e *Engine) leaves() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.suspended
}

// supervise looks at interfaces and verdicts until ctx or the thread ends.
func (e *Engine) supervise(ctx context.Context, hints <-chan struct{}, ended <-chan error) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return err
		case <-e.trigger:
			e.look()
			continue
		case <-poll.C:
		case <-hints:
		}
		// In this order: an interface that has trouble is a fault before anybody fails to put an address on it.
		e.look()
		e.holder.verify()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(hintGap):
		}
	}
}

func (e *Engine) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reconcile()
}

// watch turns changes of interfaces into hints.
func (e *Engine) watch(ctx context.Context, hints chan<- struct{}) {
	err := e.Interfaces.Watch(ctx, func() {
		select {
		case hints <- struct{}{}:
		default:
		}
	})
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("changes of network interfaces are noticed late", "poll", pollInterval, "error", err)
	}
}

// write writes what the thread has to say.
func (e *Engine) write(notes <-chan note, l *loop) {
	for n := range notes {
		e.Publish(n.events...)
		e.tellLost(l)
		n.log.LogAttrs(context.Background(), n.level, n.message, n.attrs...)
		if n.transition {
			e.Changed()
		}
	}
}

// end keeps Set from reaching the thread any more.
func (e *Engine) end(l *loop) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.flush()
	e.loop = nil
}

// letGo leaves no address on an interface, also when the thread failed and no machine said so.
func (e *Engine) letGo() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, en := range e.entries {
		if en.router != nil {
			w := *en.router.wish.Load()
			w.active = false
			en.router.wish.Store(&w)
		}
	}
}

// discard forgets what belonged to one Run.
func (e *Engine) discard() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, en := range e.entries {
		en.router, en.told = nil, nil
		en.holdUntil, en.held = time.Time{}, false
	}
	for on, p := range e.ports {
		if err := p.conn.Close(); err != nil {
			e.Log.Warn("unable to close the VRRP socket", "interface", on.iface, "error", err)
		}
		delete(e.ports, on)
	}
	e.ear, e.holder, e.prepared, e.suspended = nil, nil, nil, false
}
