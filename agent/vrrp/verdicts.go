package vrrp

import (
	"time"
)

// tracked is a thing that instances track, by its kind and its name.
type tracked struct{ kind, name string }

// The kinds of which verdicts come late after a start.
const (
	trackedScript        = "check script"
	trackedVirtualServer = "virtual server"
)

// verdictKept is how long a verdict counts that nobody renews.
const verdictKept = time.Minute

// lastVerdict returns a verdict as it is, and while there is none the last one, that of an earlier process
// included. Without it an agent that was killed and is back in time would give its role up for no more than not
// having looked yet.
func (e *Engine) lastVerdict(of tracked, passing, known bool) (bool, bool) {
	kept, ok := e.verdicts[of]
	if !ok {
		kept = e.Traces.of(of.kind + " " + of.name)
		e.verdicts[of] = kept
	}
	now := monotonic()
	if known {
		kept.Store(verdictTrace(now, passing))
		return passing, known
	}
	return verdictOf(kept.Load(), now)
}

// forgetVerdicts forgets those on what no instance tracks any more.
func (e *Engine) forgetVerdicts() {
	wanted := map[tracked]bool{}
	for _, en := range e.entries {
		for name := range en.spec.TrackScripts {
			wanted[tracked{trackedScript, name}] = true
		}
		for name := range en.spec.TrackVirtualServers {
			wanted[tracked{trackedVirtualServer, name}] = true
		}
	}
	for of, kept := range e.verdicts {
		if !wanted[of] {
			kept.Store(0)
			delete(e.verdicts, of)
		}
	}
}

// verdictTrace is a verdict with its time in a word: below 0 it is a bad one.
func verdictTrace(at time.Duration, passing bool) int64 {
	if passing {
		return int64(at)
	}
	return -int64(at)
}

// verdictOf reads a verdictTrace. One that is too old, or of another boot, is not known.
func verdictOf(trace int64, now time.Duration) (passing, known bool) {
	at := time.Duration(max(trace, -trace))
	if at == 0 || at > now || now-at > verdictKept {
		return false, false
	}
	return trace > 0, true
}
