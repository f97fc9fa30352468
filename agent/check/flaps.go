package check

import "time"

const (
	// flapsKept is how long a flap counts.
	flapsKept = time.Hour
	// maxFlaps is how many are counted.
	maxFlaps = 100
	// freeFlaps are those in an hour that cost nothing. Each one more doubles the passes that it takes to come
	// back, maxDoublings times at most.
	freeFlaps    = 3
	maxDoublings = 5
)

// flaps are the times, in order, at which a target went from passing to failing.
type flaps []time.Time

// with returns the flaps with one more, and without those that no longer count.
func (f flaps) with(at time.Time) flaps {
	kept := append(f[len(f)-f.lately(at):], at)
	return kept[max(0, len(kept)-maxFlaps):]
}

// lately returns how many there were in the hour before.
func (f flaps) lately(now time.Time) int {
	for i, at := range f {
		if now.Sub(at) < flapsKept {
			return len(f) - i
		}
	}
	return 0
}

// damped returns how many passes in a row it takes to come back after so many flaps.
func damped(rise, flaps int) int {
	return rise << max(0, min(flaps-freeFlaps, maxDoublings))
}
