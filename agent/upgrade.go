package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/handover"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// How long the agent waits for the new one before it goes on by itself. Meanwhile it does its work: until prepared is
// said all of it, and until ready is said all but to accept changes and to act on verdicts.
const (
	prepareTimeout = 30 * time.Second
	readyTimeout   = time.Minute
	// While taken is awaited the adverts of active instances are repeated, and backups decide nothing.
	takenTimeout = 3 * time.Second
)

// departTimeout bounds the end of an agent whose place another has taken.
const departTimeout = 5 * time.Second

// takeBackRetry is the time between attempts to open the state again.
const takeBackRetry = time.Second

var errNothingToHandOver = errors.New("dataplane is \"memory\": such an agent keeps nothing that another could go on with: stop it and start the other")

// ErrHandedOver ends an agent whose place another process has taken.
var ErrHandedOver = errors.New("another agent has taken over")

// knowledge is what an agent has found out that neither its state nor the kernel says.
type knowledge struct {
	Checks check.Handover   `json:"checks"`
	Table  balance.Handover `json:"table"`
}

// past is what happened, for readers that go on with the next process.
type past struct {
	Events   []spec.Event `json:"events"`
	Revision uint64       `json:"revision"`
	// Hooks is up to where hooks were told.
	Hooks uint64 `json:"hooks"`
}

// upgrade is a request to be upgraded.
type upgrade struct {
	next    *handover.Successor
	outcome chan<- error
	came    *Upgraded
}

// Upgradable says what takes this agent's place when Upgrade is called, and whom to tell of the process that did before
// this one ends. It is called before Run.
func (a *Agent) Upgradable(p handover.Program, tell func(pid int)) {
	a.program, a.tellOfNext = &p, tell
}

// Upgrade has the program started anew in the place of this process, as an agent of its version and with the
// configuration as it is now. After an error this one goes on as if nothing had been asked. Otherwise Run ends
// with ErrHandedOver, and nothing is released.
func (a *Agent) Upgrade(ctx context.Context) (Upgraded, error) {
	switch {
	case a.config.Dataplane == config.DataplaneMemory:
		return Upgraded{}, errNothingToHandOver
	case a.store.Degraded() != nil:
		return Upgraded{}, fmt.Errorf("there is no state that another agent could go on with: %w", a.store.Degraded())
	case a.program == nil:
		return Upgraded{}, errors.New("nobody said what is to take this agent's place")
	}
	outcome := make(chan error, 1)
	came := &Upgraded{}
	select {
	case a.upgrades <- upgrade{outcome: outcome, came: came}:
	case <-ctx.Done():
		return Upgraded{}, context.Cause(ctx)
	}
	err := <-outcome
	return *came, err
}

// awaitUpgrade returns when somebody asks for an upgrade and the new process is prepared. While it is not, nothing here
// changes. It returns nil when the context ends.
func (a *Agent) awaitUpgrade(ctx context.Context) *upgrade {
	for {
		select {
		case <-ctx.Done():
			return nil
		case u := <-a.upgrades:
			a.log.Info("a new agent is started in this one's place", "program", a.program.Path)
			next, err := a.startNext(ctx)
			if err != nil {
				a.failed(u, err)
				continue
			}
			u.next = next
			return &u
		}
	}
}

func (a *Agent) startNext(ctx context.Context) (*handover.Successor, error) {
	next, err := handover.Start(*a.program, statePath(a.config), a.sockets.all)
	if err != nil {
		return nil, err
	}
	if err := next.Await(ctx, handover.Prepared, prepareTimeout); err != nil {
		next.Kill()
		return nil, err
	}
	return next, nil
}

// failed says that this agent goes on.
func (a *Agent) failed(u upgrade, err error) {
	err = fmt.Errorf("%w: the agent that ran goes on", err)
	a.log.Error("the upgrade failed", "error", err)
	u.outcome <- err
}

// handOver has the new process take this one's place, or goes on. The API and the hooks rest meanwhile.
func (a *Agent) handOver(ctx context.Context, u upgrade) (done bool) {
	resume, err := a.giveAway(ctx, u.next)
	if err != nil {
		u.next.Kill()
		resume()
		a.failed(u, err)
		return false
	}
	*u.came = Upgraded{PID: u.next.PID(), Version: u.next.Version()}
	a.log.Info("another agent has taken over", "pid", u.came.PID, "its_version", u.came.Version)
	u.outcome <- nil
	return true
}

// giveAway gives away one thing after the other. After an error, and when nobody has them any more, resume takes back
// what was given.
func (a *Agent) giveAway(ctx context.Context, next *handover.Successor) (resume func(), err error) {
	var undo []func()
	resume = func() {
		for i := range undo {
			undo[len(undo)-1-i]()
		}
	}
	table, err := a.balancer.Suspend(ctx)
	if err != nil {
		return resume, err
	}
	undo = append(undo, a.balancer.Continue)
	a.tuner.Suspend()
	undo = append(undo, a.tuner.Continue)
	if err := a.store.Lend(); err != nil {
		return resume, err
	}
	undo = append(undo, func() { a.takeBack(ctx) })
	if err := next.Give(handover.State, knowledge{Checks: a.checker.Remember(), Table: table}); err != nil {
		return resume, err
	}
	if err := next.Await(ctx, handover.Ready, readyTimeout); err != nil {
		return resume, err
	}
	undo = append(undo, a.engine.Continue)
	instances, err := a.engine.Suspend()
	if err != nil {
		return resume, err
	}
	if err := next.Give(handover.Instances, instances); err != nil {
		return resume, err
	}
	if err := next.Await(ctx, handover.Taken, takenTimeout); err != nil {
		return resume, err
	}
	a.leave(next)
	return resume, nil
}

// leave tells the new process what is left, once it has taken over. There is no way back, so nothing is an error.
func (a *Agent) leave(next *handover.Successor) {
	a.handedOver.Store(true)
	a.sockets.leave()
	a.tellOfNext(next.PID())
	var last past
	last.Events, last.Revision = a.events.Kept()
	last.Hooks = a.hooks.Taken()
	if err := next.Give(handover.Rest, last); err != nil {
		a.log.Warn("the events of this agent are lost", "error", err)
	}
	if err := a.store.GiveAway(); err != nil {
		a.log.Warn("a copy of the state is left behind", "error", err)
	}
	next.Release()
}

// depart ends what is left of an agent whose place another has taken. Nobody needs it any more, so that nothing may keep
// the process.
func (a *Agent) depart(parts *errgroup.Group) {
	ended := make(chan error, 1)
	go func() { ended <- parts.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			a.log.Warn("the agent that ran did not end well", "error", err)
		}
		a.log.Info("the agent that ran has gone", "name", a.config.Name)
	case <-time.After(departTimeout):
		a.log.Warn("the agent that ran is ended although parts of it go on")
	}
}

// takeBack takes back the state, which nobody else has any more. Without it nothing can be changed, so it is tried for as
// long as it takes.
func (a *Agent) takeBack(ctx context.Context) {
	for {
		err := a.store.TakeBack()
		if err == nil {
			a.balancer.Trigger() // the new agent may have begun to change the table
			return
		}
		a.log.Error("the state cannot be taken back yet; nothing can be changed until then", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(takeBackRetry):
		}
	}
}
