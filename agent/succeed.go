package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/handover"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// Succeed is New for an agent that takes the place of one that runs. It returns when that one has lent its state; until
// then the other does everything. After an error the other goes on.
func Succeed(ctx context.Context, c config.Config, version string, log *slog.Logger, from *handover.Predecessor) (_ *Agent, err error) {
	a := &Agent{config: c, version: version, log: log, from: from, sockets: sockets{from: from}}
	defer func() {
		if err != nil {
			from.Refuse(err)
			err = fmt.Errorf("take over from the agent that runs: %w", errors.Join(err, a.Close(), from.Close()))
		}
	}()
	if c.Dataplane == config.DataplaneMemory || from.Place() != statePath(c) {
		return nil, fmt.Errorf("its state is %s, and the one of this agent's configuration is another (dataplane %q, state_dir %q): restart it to change them", from.Place(), c.Dataplane, c.StateDir)
	}
	if err := a.openSockets(); err != nil {
		return nil, err
	}
	a.openControl()
	if err := from.Say(handover.Prepared, version); err != nil {
		return nil, err
	}
	var known knowledge
	if err := from.Await(ctx, handover.State, &known); err != nil {
		return nil, err
	}
	if err := a.open(); err != nil {
		return nil, err
	}
	if err := a.store.Degraded(); err != nil {
		return nil, err
	}
	a.checker.TakeOver(known.Checks)
	a.balancer.TakeOver(known.Table)
	a.tuner.TakeOver()
	a.awaiting = a.engine.Await()
	return a, nil
}

// takeOver goes on in the place of the agent that runs, which does VRRP until this one has all else under way. After an
// error nothing here was its own.
func (a *Agent) takeOver(ctx, working context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(working, func() { cancel(context.Cause(working)) }) // a part has failed
	defer stop()
	err := errors.Join(a.applyAll(func() error { return a.balancer.Resync(working) }), a.tuner.Resync(working))
	if err != nil {
		a.log.Error("the stored state could not be applied as a whole; it will be tried again", "error", err)
	}
	select {
	case <-a.awaiting:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := a.from.Say(handover.Ready, ""); err != nil {
		return err
	}
	var instances vrrp.Handover
	if err := a.from.Await(ctx, handover.Instances, &instances); err != nil {
		return err
	}
	settle, err := a.engine.TakeOver(instances)
	if err != nil {
		return err
	}
	// From here on there is no way back. Whether the other one hears of it is no longer the question.
	said := a.from.Say(handover.Taken, "")
	settle()
	a.sockets.keep()
	var before past
	if err := errors.Join(said, a.from.Await(context.WithoutCancel(ctx), handover.Rest, &before)); err != nil {
		a.log.Warn("what happened before is not known: readers of events have to begin anew", "error", err)
	} else {
		a.events.Succeed(before.Events, before.Revision)
		a.hooks.GoOn(before.Hooks)
	}
	a.log.Info("took over from another agent", "its_version", a.from.Version())
	_ = a.from.Close() // nobody is there any more
	return nil
}
