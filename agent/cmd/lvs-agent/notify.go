package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/lvs-director/terraform-provider-lvs/agent"
)

// tellManager tells the service manager, where there is one that wants to know (sd_notify), that the agent is at work,
// that it still is, and that it stops.
func tellManager(ctx context.Context, a *agent.Agent, log *slog.Logger) {
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
	defer notify(daemon.SdNotifyStopping)
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
