package tune

import "context"

// Suspend has the tuner write nothing until Continue. When it returns, nothing is under way.
func (t *Tuner) Suspend() {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.suspended = true
}

// Continue ends a Suspend.
func (t *Tuner) Continue() {
	t.turn.Lock()
	t.suspended = false
	t.turn.Unlock()
	t.Trigger() // what was asked for meanwhile
}

// TakeOver goes on where another process was, which has made the settings what they are. It is called before Run.
func (t *Tuner) TakeOver() { t.succeeds = true }

// Resync compares the settings with what is asked for, as Run does from time to time, and returns after that.
func (t *Tuner) Resync(ctx context.Context) error { return t.pass(ctx, whatWeChanged) }
