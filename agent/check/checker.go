package check

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Config is what a Checker works with.
type Config struct {
	// Prober probes: Network at work, Assume to touch nothing.
	Prober Prober
	// Log gets changes of verdicts at Info, single results at Debug. nil logs nothing.
	Log *slog.Logger
	// Changed is called after results changed a verdict, with the names of the virtual servers on whose
	// servers; with none it is a script's. It must not block, and may call the Checker. Set itself never
	// calls it, though it may change verdicts, too. nil is nobody to tell.
	Changed func(virtualServers ...string)
	// Publish is told of changed verdicts on scripts. It must not block, nor call the Checker. nil is nobody
	// to tell.
	Publish func(...spec.Event)
}

// Checker checks what it was told to, and knows the verdicts.
type Checker struct {
	prober  Prober
	log     *slog.Logger
	changed func(virtualServers ...string)
	publish func(...spec.Event)
	wake    chan struct{} // something in targets waits for Run

	mu      sync.Mutex
	targets map[id]*target
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
	return &Checker{
		prober: c.Prober, log: c.Log, changed: c.Changed, publish: c.Publish,
		wake: make(chan struct{}, 1), targets: map[id]*target{},
	}
}

// Set says what there is to check: each real server whose service has a health check, and each check
// script. What is as it was keeps its counters and its rhythm. What is defined anew keeps its verdict
// until the new check's first result; what is new is Unknown until then. It may be called at any time,
// also before Run, and returns at once.
//
// Changed are the virtual servers in which d is not what was set before; without any it may differ anywhere.
func (c *Checker) Set(d spec.Desired, changed ...string) {
	if len(changed) > 0 {
		d = d.Of(changed...)
	}
	wanted := plans(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	for of, t := range c.targets {
		if len(changed) > 0 && !slices.Contains(changed, of.server.VirtualServer) {
			continue
		}
		if _, ok := wanted[of]; ok {
			continue
		}
		if of.script != "" && tracked(d, of.script) {
			if t.hold() {
				t.stop()
			}
			continue
		}
		t.stop()
		delete(c.targets, of)
	}
	for of, want := range wanted {
		t, ok := c.targets[of]
		if !ok {
			c.targets[of] = newTarget(of, want)
			continue
		}
		if t.update(want) {
			t.stop()
		}
	}
	select {
	case c.wake <- struct{}{}:
	default: // Run was told already
	}
}

// Server returns the verdict on a real server, and in words why it is not passing, or what its last
// check complained of. A server whose service has no health check passes.
func (c *Checker) Server(key spec.ServerKey) (v Verdict, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.targets[id{server: key}]; ok {
		return t.counter.verdict, t.why()
	}
	return Unknown, notYet
}

// Script returns the verdict on a check script; known is false until its first result. The last verdict
// on a script that was deleted holds for as long as an instance's priority depends on it.
func (c *Checker) Script(name string) (passing, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.targets[id{script: name}]; ok {
		return t.counter.verdict == Passing, t.counter.verdict != Unknown
	}
	return false, false
}

// Scripts returns the state of all check scripts, those included whose last verdict is held.
func (c *Checker) Scripts() map[string]spec.CheckScriptStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]spec.CheckScriptStatus{}
	for of, t := range c.targets {
		if of.script == "" {
			continue
		}
		all[of.script] = spec.CheckScriptStatus{
			CheckScriptState: spec.CheckScriptState{Passing: t.counter.verdict == Passing, Reason: t.why()},
			Runs:             t.runs,
			Failures:         t.failures,
		}
	}
	return all
}

// First checks of targets that came together are firstStep apart, or less, so that the last begins
// within firstSpread.
const (
	firstStep   = 10 * time.Millisecond
	firstSpread = time.Second
)

// Run checks until the context ends, and returns nil when the last probe is over. It is called once.
func (c *Checker) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	for {
		c.start(ctx, &workers)
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		}
	}
}

// start gives a worker to each target that has something to run and none to run it.
func (c *Checker) start(ctx context.Context, workers *sync.WaitGroup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var idle []*target
	for _, t := range c.targets {
		if t.run != nil && !t.worker.working() {
			idle = append(idle, t)
		}
	}
	slices.SortFunc(idle, func(a, b *target) int { return a.id.compare(b.id) })
	for i, t := range idle {
		step := min(firstStep, firstSpread/time.Duration(len(idle)))
		w := newWorker(ctx, t.run, t.worker, c.prober)
		t.worker = w
		workers.Go(func() {
			w.work(time.Duration(i)*step, func(err error) { c.record(t, w, err) })
		})
	}
}

// record takes a result, unless the target has meanwhile been given another check.
func (c *Checker) record(t *target, from *worker, err error) {
	switch {
	case !c.count(t, from, err):
	case t.id.script != "":
		c.changed()
	default:
		c.changed(t.id.server.VirtualServer)
	}
}

func (c *Checker) count(t *target, from *worker, err error) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.worker != from || !from.working() {
		return false
	}
	before := t.counter.verdict
	changed = t.record(err)
	switch {
	case changed:
		c.publishScript(t, before)
		c.logOf(t).Info("verdict changed", "verdict", t.counter.verdict.String(), "reason", t.reason)
	case err != nil:
		c.logOf(t).Debug("check failed", "reason", err)
	}
	return changed
}

func (c *Checker) logOf(t *target) *slog.Logger {
	if t.id.script != "" {
		return c.log.With("check", t.id.script)
	}
	return c.log.With("service", t.id.server.VirtualServer, "server", t.id.server.Address.String())
}

// publishScript tells of a changed verdict on a script. What becomes of a server is for others to tell: its
// verdict is not all that decides.
func (c *Checker) publishScript(t *target, before Verdict) {
	if t.id.script == "" {
		return
	}
	change := &spec.StateChange{To: t.counter.verdict.String()}
	if before != Unknown {
		change.From = before.String()
	}
	c.publish(spec.Event{Type: spec.EventStateChanged, Kind: spec.KindCheckScript, Name: t.id.script, Reason: t.reason, State: change})
}
