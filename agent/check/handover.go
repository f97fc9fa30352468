package check

import (
	"errors"
	"fmt"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Handover is what a checker has found out, for the process that goes on in its place: by ServerKey.String(), and by the
// names of scripts.
type Handover struct {
	Servers map[string]TargetHandover `json:"servers,omitempty"`
	Scripts map[string]TargetHandover `json:"scripts,omitempty"`
}

// TargetHandover is what is known of one thing that is checked.
type TargetHandover struct {
	Verdict  Verdict     `json:"verdict"`
	Settled  bool        `json:"settled,omitempty"`
	Against  int         `json:"against,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Weight   *int        `json:"weight,omitzero"`
	Runs     uint64      `json:"runs,omitempty"`
	Failures uint64      `json:"failures,omitempty"`
	Changed  time.Time   `json:"changed"`
	Flaps    []time.Time `json:"flaps,omitempty"`
	// At is when the last round ended, zero if none did, Took how long it took, and Failure why it failed.
	At      time.Time     `json:"at"`
	Took    spec.Duration `json:"took,omitempty"`
	Failure string        `json:"failure,omitempty"`
	// Due is when the next round begins; zero if that is not known.
	Due time.Time `json:"due"`
}

// Remember returns what was found out until now. It may be called while Run works.
func (c *Checker) Remember() Handover {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := Handover{Servers: map[string]TargetHandover{}, Scripts: map[string]TargetHandover{}}
	for key, t := range c.servers.All() {
		h.Servers[key.String()] = t.remember()
	}
	for name, t := range c.scripts {
		h.Scripts[name] = t.remember()
	}
	return h
}

// TakeOver goes on where another process was. It is called before the first Set: what is checked then as it was there
// keeps its verdict, its counter and its rhythm.
func (c *Checker) TakeOver(h Handover) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handed = h
}

// handedOver returns what another process knew of a target, once.
func (c *Checker) handedOver(of id) (was TargetHandover, ok bool) {
	all, name := c.handed.Servers, of.server.String()
	if of.script != "" {
		all, name = c.handed.Scripts, of.script
	}
	was, ok = all[name]
	delete(all, name)
	return was, ok
}

func (t *target) remember() TargetHandover {
	h := TargetHandover{
		Verdict: t.counter.verdict, Settled: t.counter.settled, Against: t.counter.against, Reason: t.reason, Weight: t.weight,
		Runs: t.runs, Failures: t.failures, Changed: t.changed, Flaps: t.flaps, At: t.last.at, Took: spec.Duration(t.last.took),
	}
	if t.last.err != nil {
		h.Failure = t.last.err.Error()
	}
	if s := t.series; s != nil {
		h.Due = s.due
		if s.end != nil { // a round is under way, and nobody will have its result
			h.Due = s.begun
		}
	}
	return h
}

// takeOver makes a target that was just defined what it was in another process.
func (t *target) takeOver(was TargetHandover) {
	t.counter.verdict, t.counter.settled, t.counter.against = was.Verdict, was.Settled, was.Against
	t.reason, t.weight, t.runs, t.failures, t.changed, t.flaps = was.Reason, was.Weight, was.Runs, was.Failures, was.Changed, was.Flaps
	t.last = result{at: was.At, took: was.Took.Std(), weight: was.Weight}
	if was.Failure != "" {
		t.last.err = errors.New(was.Failure)
	}
}

// resume has a series run a target's plan that another process has run: it counted the last result, and knew the rhythm.
func (c *Checker) resume(t *target, due time.Time) {
	s := c.series[t.run.subject]
	if s == nil {
		s = &series{subject: t.run.subject, round: t.run.round, last: t.last, due: due}
		c.series[s.subject] = s
		if due.IsZero() {
			c.fresh = append(c.fresh, s)
		} else {
			c.waiting.add(s)
		}
	}
	s.targets = append(s.targets, t)
	t.series = s
}

// MarshalText writes the verdict as String does.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (v *Verdict) UnmarshalText(text []byte) error {
	for known := Unknown; known <= Assumed; known++ {
		if known.String() == string(text) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("%q is no verdict", text)
}
