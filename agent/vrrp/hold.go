package vrrp

import "time"

// hold reports whether an instance is to wait with its role for the verdicts on the services on its
// addresses: who takes over before them takes connections that lead nowhere. It does so once, from when the
// instance is first run, and no longer than StartupHold. An instance that goes on as active after a crash
// does not wait.
func (e *Engine) hold(en *entry) bool {
	if e.StartupHold == 0 {
		return false
	}
	if en.holdUntil.IsZero() {
		en.holdUntil = time.Now().Add(e.StartupHold)
		time.AfterFunc(e.StartupHold, e.Trigger)
	}
	if !en.held && time.Now().Before(en.holdUntil) && e.Services.Awaited(addrs(en.spec.VirtualAddresses)) {
		return true
	}
	en.held = true
	return false
}
