package check

import "time"

// A Starter begins some checks without a goroutine for each. The Checker sleeps in it.
type Starter interface {
	// Start begins a check and returns at once; ok is false of one that it does not do, and then nothing has begun.
	// over is called once with the result, as a Prober returns it, by Wait or in another goroutine. No time is the
	// check's own: end ends it, if it is not over, with that cause as its result.
	Start(check ServerCheck, over func(at time.Time, err error)) (end func(cause error), ok bool)
	// Wait returns when checks were over, when Wake was called, and after d. It is called from one goroutine at a time.
	Wait(d time.Duration) error
	// Wake has Wait return, or the next one if none is at it. It does not wait.
	Wake()
}

// unstarted is the Starter of a Checker that has none: it begins nothing.
type unstarted struct {
	woken chan struct{}
}

// Start implements Starter.
func (unstarted) Start(ServerCheck, func(time.Time, error)) (end func(error), ok bool) {
	return nil, false
}

// Wait implements Starter.
func (s unstarted) Wait(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.woken:
	case <-timer.C:
	}
	return nil
}

// Wake implements Starter.
func (s unstarted) Wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it was told already
	}
}
