package vrrp

import (
	"fmt"
	"strings"
	"time"
)

// hold says what an instance is to wait for with its role, or "": the verdicts on the services on its
// addresses. Who takes over before them takes connections that lead nowhere. It does so once, from when the
// instance is first run, and no longer than StartupHold. An instance that goes on as active after a crash
// does not wait.
func (e *Engine) hold(en *entry) string {
	if e.StartupHold == 0 {
		return ""
	}
	if en.holdUntil.IsZero() {
		en.holdUntil = time.Now().Add(e.StartupHold)
		time.AfterFunc(e.StartupHold, e.Trigger)
	}
	if !en.held && time.Now().Before(en.holdUntil) {
		if services, awaited := e.Services.Awaited(addrs(en.spec.VirtualAddresses)); awaited {
			return waitsFor(services, en.holdUntil)
		}
	}
	en.held = true
	return ""
}

func waitsFor(virtualServers []string, until time.Time) string {
	on := "virtual servers"
	if len(virtualServers) > 0 {
		on = strings.Join(virtualServers, ", ")
	}
	return fmt.Sprintf("waits for the first verdicts on %s, until %s at the latest", on, until.UTC().Format(time.RFC3339))
}
