package vrrp

import (
	"context"
	"errors"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Why a failover failed.
var (
	// ErrNobodyTookOver says that no other router was heard: the instance is active here again.
	ErrNobodyTookOver = errors.New("nobody took over")
	// ErrNotRunning says that the instance does not exist, or that the engine does not run.
	ErrNotRunning = errors.New("no such VRRP instance is running")
)

// Failover has an instance, and with it its sync group, hand its role over and stay away: it preempts nobody until the other leaves, or
// TakePart is called. It returns when another router is active and the addresses are off the interface, at
// once when the instance is not active, and with ErrNobodyTookOver when none was heard within twice the
// longest Skew_Time. A context that ends does not end the failover.
func (e *Engine) Failover(ctx context.Context, name string) error {
	l, routers, h := e.running(name)
	if len(routers) == 0 {
		return ErrNotRunning
	}
	outcome := make(chan spec.InstanceState, len(routers))
	l.post(func() {
		for _, r := range routers {
			r.failover(l, outcome)
		}
	})
	var failure error
	for range routers {
		select {
		case state := <-outcome:
			if state == spec.InstanceActive {
				failure = ErrNobodyTookOver
			}
		case <-l.done:
			return ErrNotRunning
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	h.settle()
	return failure
}

// TakePart ends what Failover began: the instance may preempt again.
func (e *Engine) TakePart(name string) error {
	l, routers, _ := e.running(name)
	if len(routers) == 0 {
		return ErrNotRunning
	}
	l.post(func() {
		for _, r := range routers {
			r.step(l, monotonic(), TakePart{})
		}
	})
	l.flush()
	return nil
}

// running returns the routers that an instance's role depends on, its own and those of its sync group, and
// who runs them; none when the instance does not run.
func (e *Engine) running(name string) (*loop, []*router, *holder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.loop == nil {
		return nil, nil, nil
	}
	return e.loop, e.groupOf(name), e.holder
}

// failover begins one on the thread. The outcome is the state in which it ends.
func (r *router) failover(l *loop, outcome chan<- spec.InstanceState) {
	r.outcomes = append(r.outcomes, outcome)
	r.step(l, monotonic(), Failover{})
}

// tellOutcome tells those who wait for a failover that it is over.
func (r *router) tellOutcome() {
	if len(r.outcomes) == 0 || r.machine.FailingOver() {
		return
	}
	for _, outcome := range r.outcomes {
		outcome <- r.machine.State() // there is room: one outcome each
	}
	r.outcomes = nil
}
