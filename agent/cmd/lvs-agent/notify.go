package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/lvs-director/terraform-provider-lvs/agent"
)

// worker is what tellManager wants to know of an agent.
type worker interface {
	// Started is closed when it is at work.
	Started() <-chan struct{}
	// Alive returns when it is not stuck.
	Alive()
}

// tellManager tells the service manager, where there is one that wants to know (sd_notify), that the agent is at work,
// that it still is, and that it stops. The cause of the context's end is how the agent ended, or that it is told to.
func tellManager(ctx context.Context, a worker, log *slog.Logger) {
	notify := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("the service manager could not be told", "state", state, "error", err)
		}
	}
	select {
	case <-a.Started():
		notify(daemon.SdNotifyReady)
	case <-ctx.Done():
		return
	}
	defer func() {
		// Not if the process goes on, and would be killed for having said that it stops, nor if another one is the service now.
		if why := context.Cause(ctx); !errors.Is(why, agent.ErrRestored) && !errors.Is(why, agent.ErrHandedOver) {
			notify(daemon.SdNotifyStopping)
		}
	}()
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the watchdog's interval cannot be read", "error", err)
	}
	if interval <= 0 {
		<-ctx.Done()
		return
	}
	alive := time.NewTicker(interval / 2)
	defer alive.Stop()
	for {
		select {
		case <-alive.C:
			a.Alive() // an agent that hangs says nothing, and is started again
			notify(daemon.SdNotifyWatchdog)
		case <-ctx.Done():
			return
		}
	}
}
