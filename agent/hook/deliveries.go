package hook

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Between two attempts there is half to all of a pause that begins with firstPause and doubles up to longestPause.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// deliveries are the goroutines that tell hooks: one for each hook that something waits for.
type deliveries struct {
	hooks *Hooks
	// ctx ends attempts, stopping the pauses between them.
	ctx      context.Context
	stopping <-chan struct{}
	running  sync.WaitGroup
}

// begin has somebody tell what waits in a line. It is called with the lock of Hooks held.
func (d *deliveries) begin(l *line) {
	if l.working || len(l.waiting) == 0 {
		return
	}
	l.working = true
	d.running.Go(func() { d.work(l) })
}

// finish returns when nothing more is told: when all is told or has failed, or after stopGrace.
func (d *deliveries) finish(stop func()) {
	timer := time.AfterFunc(stopGrace, stop)
	defer timer.Stop()
	d.running.Wait()
}

// work tells what waits in a line, one after the other.
func (d *deliveries) work(l *line) {
	h, pause := d.hooks, firstPause
	for {
		next, ok := h.next(l)
		if !ok {
			return
		}
		result, err := d.tell(l.id, next)
		if h.done(l, result, err) {
			pause = firstPause
			continue
		}
		if !d.rest(l, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// attempt is a hook as it is now, and what it is to be told.
type attempt struct {
	hook         spec.Hook
	notification spec.Notification
	failing      bool
}

// tell makes an attempt when it is its turn.
func (d *deliveries) tell(id spec.HookID, a attempt) (Result, error) {
	end, err := d.hooks.turns.take(d.ctx, a.hook, a.failing)
	if err != nil {
		return Untold, err
	}
	defer end()
	return d.hooks.Teller.Tell(d.ctx, id, a.hook, a.notification)
}

// rest waits for the time of the next attempt, and reports whether there is to be one.
func (d *deliveries) rest(l *line, pause time.Duration) bool {
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-d.stopping:
		return false
	case <-l.wake:
	case <-timer.C:
	}
	return true
}

// next returns the next attempt. ok is false when there is nothing more to tell, or nobody to tell it to.
func (h *Hooks) next(l *line) (a attempt, ok bool) {
	desired := h.Desired()
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.definitions.of(object{l.id.Kind, l.id.Object}, desired).Hook(l.id)
	if !ok && len(l.waiting) > 0 {
		h.Log.Info("a hook is gone, and with it what it was still to be told", "hook", l.id.String(), "notifications", len(l.waiting))
		h.forget(l.id, l.waiting...)
		l.waiting = nil
	}
	if len(l.waiting) == 0 {
		l.working = false
		if _, wanted := desired.Hook(l.id); !wanted {
			delete(h.lines, l.id)
		}
		return attempt{}, false
	}
	return attempt{hook: v, notification: l.waiting[0], failing: l.failing}, true
}

// done notes what became of the first that waits, and reports whether it is over with it.
func (h *Hooks) done(l *line, result Result, err error) bool {
	h.mu.Lock()
	if result == Untold {
		news := l.untold(err)
		h.mu.Unlock()
		if news {
			h.Log.Warn("a hook could not be told, and will be again", "hook", l.id.String(), "error", err)
		}
		return false
	}
	before := l.reason
	first := l.told(result, err)
	h.mu.Unlock()
	h.forget(l.id, first)
	log := h.Log.With("hook", l.id.String(), "revision", first.Event.Revision)
	switch {
	case result == Refused:
		log.Warn("a hook refused what it was told", "error", err)
	case err != nil:
		log.Warn("a hook was told, and failed", "error", err)
	case before != "":
		log.Info("a hook is told again")
	}
	return true
}

func (h *Hooks) forget(id spec.HookID, all ...spec.Notification) {
	if err := h.Queue.Change(nil, map[spec.HookID][]spec.Notification{id: all}); err != nil {
		h.Log.Warn("a hook may be told again what it was told", "hook", id.String(), "error", err)
	}
}
