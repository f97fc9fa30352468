package spec

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CheckScript is a program on the director whose exit status says pass (0) or fail (anything else).
// It runs without a shell.
type CheckScript struct {
	Command  []string `json:"command" minItems:"1" doc:"absolute path of the program inside the agent's scripts.directory, and its arguments"`
	Interval Duration `json:"interval" required:"false" doc:"default 1s; time between two runs, from start to start; 10ms to 24h"`
	Timeout  Duration `json:"timeout" required:"false" doc:"default: the interval; after this the program and all it started are killed and the run has failed; at most the interval"`
	Rise     int      `json:"rise" minimum:"1" maximum:"255" required:"false" default:"1" doc:"passes in a row that turn failing into passing"`
	Fall     int      `json:"fall" minimum:"1" maximum:"255" required:"false" default:"1" doc:"failures in a row that turn passing into failing"`
}

// left out in the request; no duration that a user can give
const unset Duration = -1

// DefaultCheckScript returns a check script in which everything that has a fixed default has it.
func DefaultCheckScript() CheckScript {
	return CheckScript{Interval: Duration(time.Second), Timeout: unset, Rise: 1, Fall: 1}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *CheckScript) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain CheckScript
	*v = DefaultCheckScript()
	if err := json.UnmarshalDecode(dec, (*plain)(v)); err != nil {
		return err
	}
	if v.Timeout == unset {
		v.Timeout = v.Interval
	}
	return nil
}

// Validate reports everything that is wrong with the values themselves. Whether the program is there
// and may run only the director can tell.
func (v *CheckScript) Validate() FieldErrors {
	var errs FieldErrors
	errs.command("/command", v.Command)
	errs.schedule(v.Interval, v.Timeout, v.Rise, v.Fall)
	return errs
}

const (
	minCheckInterval = 10 * time.Millisecond
	maxCheckInterval = 24 * time.Hour
)

// schedule reports what is wrong with the rhythm of a check.
func (e *FieldErrors) schedule(interval, timeout Duration, rise, fall int) {
	if d := interval.Std(); d < minCheckInterval || d > maxCheckInterval {
		e.add("/interval", "%s is out of range: use %s to %s", d, minCheckInterval, maxCheckInterval)
	}
	switch d := timeout.Std(); {
	case d <= 0:
		e.add("/timeout", "%s is no time to answer in: use more than 0s", d)
	case d > interval.Std():
		e.add("/timeout", "%s is longer than the interval of %s: use at most the interval", d, interval)
	}
	e.within("/rise", rise, 1, 255)
	e.within("/fall", fall, 1, 255)
}
