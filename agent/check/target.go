package check

import (
	"fmt"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// target is one thing that is checked, and what is known of it. The Checker's lock guards it.
type target struct {
	id     id
	want   *plan   // as it is desired
	run    *plan   // what of it there is to run; nil is nothing
	series *series // that runs it; nil while nothing does

	counter        counter
	reason         string // why the last result was a failure, or why the target is out
	gone           string // the script whose deletion is waited out
	weight         *int   // by the last pass; nil is the server's own
	paused         bool   // until the service's address is in service here
	runs, failures uint64
	last           result    // of the rounds that were counted
	changed        time.Time // when the verdict last did
	flaps          flaps
}

// define makes a plan the target's, and reports whether that changed anything. An equal plan does not: the
// counter goes on.
func (t *target) define(want *plan) (changed bool) {
	before := t.want
	if before != nil && before.equal(want) {
		return false
	}
	t.want, t.run, t.gone, t.paused = want, want, "", false
	if want == nil || want.round.server == nil || want.round.server.Script == nil || !want.round.server.Script.DynamicWeight {
		t.weight = nil
	}
	switch {
	case want == nil:
		t.counter, t.reason = counter{verdict: Passing}, ""
	case t.counter.verdict == Passing && before.lostScript(want):
		// Terraform deletes a script before it changes the health check that named it, in one apply:
		// for that moment the other kinds decide. A server that was not passing stays out.
		t.run, t.gone = want.withoutScript(), want.round.server.Script.Name
	default:
		t.counter = want.counter(t.counter)
	}
	return true
}

// hold keeps the verdict of a script that was deleted while an instance's priority depends on it.
func (t *target) hold() { t.want, t.run, t.gone = nil, nil, t.id.script }

// pause has a server be what it was while its service is not here.
func (t *target) pause() { t.run, t.paused, t.gone = nil, true, "" }

// resume has it checked again; what it was holds until the results say otherwise.
func (t *target) resume() {
	t.run, t.paused = t.want, false
	t.counter = t.want.counter(t.counter)
}

// verdict is what counts.
func (t *target) verdict() Verdict {
	if v := t.counter.verdict; !t.paused || v == Passing || v == Failing {
		return v
	}
	return Assumed
}

// record counts a result, and reports whether the verdict changed.
func (t *target) record(r result) (changed bool) {
	before := t.counter.verdict
	t.counter.rise = t.passesNeeded(r.at)
	t.counter = t.counter.after(verdictOf(r.err))
	t.last = r
	t.runs++
	if r.err != nil {
		t.failures++
		t.reason = r.err.Error()
	} else if t.counter.verdict == Passing {
		t.reason = ""
	}
	if t.counter.verdict == before {
		return false
	}
	t.changed = r.at
	if before == Passing {
		t.flaps = t.flaps.with(r.at)
	}
	return true
}

// weigh notes the weight that a pass gives the server, and reports whether that changed.
func (t *target) weigh(r result) (changed bool) {
	if r.err != nil {
		return false // what it was holds for its connections, and for when it passes again
	}
	before := t.weight
	t.weight = r.weight
	return (before == nil) != (r.weight == nil) || before != nil && *before != *r.weight
}

// passesNeeded returns how many passes in a row it takes to come back.
func (t *target) passesNeeded(now time.Time) int {
	switch {
	case t.want == nil:
		return 0
	case t.want.damped:
		return damped(t.want.rise, t.flaps.lately(now))
	}
	return t.want.rise
}

// facts returns what is told of the rounds.
func (t *target) facts(now time.Time) spec.CheckFacts {
	f := spec.CheckFacts{
		At: t.last.at, Latency: spec.Duration(t.last.took), Passed: !t.last.at.IsZero() && t.last.err == nil,
		Changed: t.changed, Flaps: t.flaps.lately(now), PassesNeeded: t.passesNeeded(now),
	}
	if t.last.err != nil {
		f.Reason = t.last.err.Error()
	}
	return f
}

// why says in words what there is to say about the verdict, or "".
func (t *target) why() string {
	switch {
	case t.gone != "":
		return fmt.Sprintf("check script %q is missing: its last verdict is held", t.gone)
	case t.paused:
		return elsewhere
	case t.counter.verdict == Unknown:
		return notYet
	case t.weight != nil && t.counter.verdict == Passing && t.reason == "":
		return Weight(*t.weight).Error()
	}
	return t.reason
}

const (
	notYet    = "not checked yet"
	elsewhere = "not checked while its service's address is not active here: what it last was is held"
)
