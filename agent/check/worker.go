package check

import (
	"context"
	"errors"
	"time"
)

// worker checks one target, in a goroutine of its own, so that no target waits for another. Rounds
// begin at multiples of the interval and never overlap.
type worker struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed after the last probe
	after  *worker       // the target's worker before, whose probe may not be over yet; nil is none
	plan   *plan
	prober Prober
}

func newWorker(ctx context.Context, p *plan, after *worker, prober Prober) *worker {
	ctx, cancel := context.WithCancel(ctx)
	return &worker{ctx: ctx, cancel: cancel, done: make(chan struct{}), after: after, plan: p, prober: prober}
}

// working reports whether there is a worker that nobody stopped.
func (w *worker) working() bool { return w != nil && w.ctx.Err() == nil }

// stop tells a target's worker to end. It does not wait for it.
func (t *target) stop() {
	if t.worker != nil {
		t.worker.cancel()
	}
}

// work runs rounds, the first after a delay, and hands each result to record, until it is stopped.
func (w *worker) work(delay time.Duration, record func(error)) {
	defer close(w.done)
	defer w.cancel()
	if w.after != nil {
		<-w.after.done
		w.after = nil
	}
	next := time.Now().Add(delay)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-timer.C:
		}
		if !w.round(record) {
			return
		}
		// A probe that came home late does not make up for the rounds it missed.
		now := time.Now()
		next = next.Add(w.plan.interval)
		if missed := now.Sub(next); missed > 0 {
			next = next.Add(missed.Truncate(w.plan.interval) + w.plan.interval)
		}
		timer.Reset(next.Sub(now))
	}
}

// stuckGrace is how long a probe may take to come home after its timeout, or after it was stopped.
const stuckGrace = time.Second

var errStuck = errors.New("the check does not end, though its time is up")

// round probes once. A probe that does not heed its timeout, such as a script that the kernel cannot
// kill because it waits for a dead disk, is a failure each interval for as long as it takes.
// It returns false when the worker was stopped.
func (w *worker) round(record func(error)) bool {
	var result error
	home := make(chan struct{})
	go func() {
		defer close(home)
		result = w.plan.probe(w.ctx, w.prober)
	}()
	late := time.NewTimer(w.plan.timeout + stuckGrace)
	defer late.Stop()
	for {
		select {
		case <-home:
			record(result)
			return true
		case <-late.C:
			record(errStuck)
			late.Reset(w.plan.interval)
		case <-w.ctx.Done():
			select {
			case <-home:
			case <-time.After(stuckGrace): // left behind; there is nothing more that could be done
			}
			return false
		}
	}
}
