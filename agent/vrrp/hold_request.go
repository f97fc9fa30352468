package vrrp

import (
	"errors"
	"fmt"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// ErrActive says that an instance cannot be held back, because it is active.
var ErrActive = errors.New("the VRRP instance is active")

// Hold keeps a backup from becoming active for that long, or until EndHold: it listens, and does nothing else.
// So an instance can be changed in a way that makes it deaf to the active router without becoming active
// beside it. It outlives a change that restarts the instance, and may come before there is one. The error is
// ErrActive when the instance is active; then nothing is held. A process that ends forgets it.
func (e *Engine) Hold(name string, atMost time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.holds[name] = time.Now().Add(atMost)
	e.reconcile()
	if en, ok := e.entries[name]; ok && en.router != nil && en.router.state.Load().State == spec.InstanceActive {
		delete(e.holds, name)
		e.reconcile()
		return ErrActive
	}
	time.AfterFunc(atMost, e.Trigger)
	return nil
}

// EndHold lets the instance take part as before. That it is not held back is success.
func (e *Engine) EndHold(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, held := e.holds[name]; held {
		delete(e.holds, name)
		e.reconcile()
	}
}

// heldOnRequest says until when Hold keeps an instance back, or "". It is called with mu held.
func (e *Engine) heldOnRequest(name string) string {
	until, held := e.holds[name]
	if !held {
		return ""
	}
	if !time.Now().Before(until) {
		delete(e.holds, name)
		return ""
	}
	return fmt.Sprintf("held back on request, until %s at the latest", until.UTC().Format(time.RFC3339))
}
