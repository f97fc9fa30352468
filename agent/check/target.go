package check

import "fmt"

// target is one thing that is checked, and what is known of it. The Checker's lock guards it.
type target struct {
	id     id
	want   *plan   // as it is desired
	run    *plan   // what of it there is to run; nil is nothing
	series *series // that runs it; nil while nothing does

	counter        counter
	reason         string // why the last result was a failure, or why the target is out
	gone           string // the script whose deletion is waited out
	runs, failures uint64
}

// define makes a plan the target's, and reports whether that changed anything. An equal plan does not: the
// counter goes on.
func (t *target) define(want *plan) (changed bool) {
	before := t.want
	if before != nil && before.equal(want) {
		return false
	}
	t.want, t.run, t.gone = want, want, ""
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

// record counts a result, and reports whether the verdict changed.
func (t *target) record(r result) (changed bool) {
	before := t.counter.verdict
	t.counter = t.counter.after(verdictOf(r.err))
	t.runs++
	if r.err != nil {
		t.failures++
		t.reason = r.err.Error()
	} else if t.counter.verdict == Passing {
		t.reason = ""
	}
	return t.counter.verdict != before
}

// why says in words what there is to say about the verdict, or "".
func (t *target) why() string {
	switch {
	case t.gone != "":
		return fmt.Sprintf("check script %q is missing: its last verdict is held", t.gone)
	case t.counter.verdict == Unknown:
		return notYet
	}
	return t.reason
}

const notYet = "not checked yet"
