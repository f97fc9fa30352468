package hook

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Capacity is how many notifications wait for one hook at most: those of a pool of 5,000 servers that goes down and
// comes up again. Of more than that, the oldest are given up.
const Capacity = 10_000

// stopGrace is how long an agent that stops waits for hooks to be told. The rest is told by the next agent.
const stopGrace = 5 * time.Second

// Events is the log of what happens; see agent/event.
type Events interface {
	Read(after uint64) (events []spec.Event, more <-chan struct{}, ok bool)
	Status() spec.EventsStatus
}

// Queue keeps what hooks are still to be told, across restarts.
type Queue interface {
	// Notifications returns all that is kept, by hook, in the order of the events' revisions.
	Notifications() (map[spec.HookID][]spec.Notification, error)
	// Change keeps some notifications and then forgets some, which are known by hook and revision: all or none.
	Change(keep, forget map[spec.HookID][]spec.Notification) error
}

// Teller tells a hook once.
type Teller interface {
	// Tell returns when the context ends at the latest. The error is what went wrong, also of a hook that was told.
	Tell(ctx context.Context, id spec.HookID, v spec.Hook, n spec.Notification) (Result, error)
}

// Result says what became of a notification.
type Result int

// The results.
const (
	// Untold: it is to be told again.
	Untold Result = iota
	// Told: the program ran, or the web server took it.
	Told
	// Refused: the web server will never take it.
	Refused
)

// Config is what Hooks work with.
type Config struct {
	// Director is the name of this director.
	Director string
	Events   Events
	// Desired returns what is asked for, the hooks among it.
	Desired func() spec.Desired
	Queue   Queue
	Teller  Teller
	// Log gets failures, when they begin and end. nil logs nothing.
	Log *slog.Logger
}

// Hooks tells all hooks of a director.
type Hooks struct {
	Config
	turns turns

	mu          sync.Mutex
	lines       map[spec.HookID]*line
	definitions definitions
	// taken is the revision of the last event that was looked at; nil before the first.
	taken *uint64
}

// New returns Hooks that have not been told anything.
func New(c Config) *Hooks {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Hooks{Config: c, turns: newTurns(), lines: map[spec.HookID]*line{}}
}

// Taken returns the revision of the last event of which hooks were told, or will be, for GoOn of the next process.
func (h *Hooks) Taken() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken == nil {
		return h.Events.Status().Compacted
	}
	return *h.taken
}

// GoOn has Run begin with the event after that revision. Without it Run begins with the first that is kept.
func (h *Hooks) GoOn(after uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken = &after
}

// Run tells hooks until the context ends, and then, for a few seconds at most, what has happened until then. It never
// fails: what keeps a hook from being told is in its status. Called again it goes on where it was.
func (h *Hooks) Run(ctx context.Context) error {
	telling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	d := &deliveries{hooks: h, ctx: telling, stopping: ctx.Done()}
	after := h.Taken()
	h.mu.Lock()
	h.definitions = newDefinitions(h.Desired())
	h.mu.Unlock()
	if err := h.resume(d); err != nil {
		h.Log.Error("what an earlier agent had yet to tell its hooks is lost", "error", err)
	}
	for {
		events, more, ok := h.Events.Read(after)
		switch {
		case !ok:
			now := h.Events.Status()
			events = []spec.Event{missed(after, now.Compacted)}
			after = now.Compacted
		case len(events) > 0:
			after = events[len(events)-1].Revision
		case ctx.Err() != nil: // and all has been read
			d.finish(stop)
			h.GoOn(after)
			return nil
		default:
			select {
			case <-more:
			case <-ctx.Done():
			}
			continue
		}
		h.take(events, d)
	}
}

// missed is the event that others are gone before they could be read.
func missed(after, until uint64) spec.Event {
	return spec.Event{Revision: until, Time: time.Now().Round(0), Type: spec.EventLost,
		Reason: fmt.Sprintf("%d events came faster than hooks could be told", until-after)}
}

// resume goes on with what an earlier agent had no time for.
func (h *Hooks) resume(d *deliveries) error {
	kept, err := h.Queue.Notifications()
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, waiting := range kept {
		h.line(id).waiting = waiting
	}
	for _, l := range h.lines {
		l.working = false
		d.begin(l)
	}
	return err
}

// take queues events for the hooks that want them.
func (h *Hooks) take(events []spec.Event, d *deliveries) {
	desired := h.Desired()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.definitions.expire()
	keep, forget := map[spec.HookID][]spec.Notification{}, map[spec.HookID][]spec.Notification{}
	for _, e := range events {
		if e.Type == spec.EventSpecChanged {
			h.changed(e, desired)
		}
		defined := h.definitions.of(about(e), desired)
		for _, id := range defined.HooksFor(e) {
			n := spec.Notification{Director: h.Director, Event: e}
			if id.Kind == spec.KindVRRPInstance {
				n.SyncGroup = defined.VRRPInstances[id.Object].SyncGroup
			}
			given, changed := h.line(id).add(n)
			keep[id] = append(keep[id], n)
			if given != nil {
				forget[id] = append(forget[id], *given)
				keep[id] = append(keep[id], *changed)
			}
		}
	}
	if len(keep) == 0 {
		return
	}
	if err := h.Queue.Change(keep, forget); err != nil {
		h.Log.Error("hooks are told, but it is lost if the agent ends before that", "error", err)
	}
	for id := range keep {
		d.begin(h.lines[id])
	}
}

// changed has the hooks of an object that was put or deleted tried again at once, as they are now.
func (h *Hooks) changed(e spec.Event, desired spec.Desired) {
	h.definitions.changed(about(e), desired)
	for id, l := range h.lines {
		if id.Kind != e.Kind || id.Object != e.Name {
			continue
		}
		l.again()
		if _, wanted := desired.Hook(id); !wanted && !l.working {
			delete(h.lines, id)
		}
	}
}

// line returns the line of a hook. It is called with mu held.
func (h *Hooks) line(id spec.HookID) *line {
	l, ok := h.lines[id]
	if !ok {
		l = &line{id: id, wake: make(chan struct{}, 1)}
		h.lines[id] = l
	}
	return l
}

// Status returns how the hooks fare that had something to tell, by HookID.String().
func (h *Hooks) Status() map[string]spec.HookStatus {
	desired := h.Desired()
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]spec.HookStatus{}
	for id, l := range h.lines {
		if _, wanted := desired.Hook(id); wanted {
			all[id.String()] = l.status()
		}
	}
	return all
}
