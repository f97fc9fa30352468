package check

import "fmt"

// Verdict says whether a target is well.
type Verdict int

// The verdicts. A target is Unknown until its first result. A real server that has never passed, and not yet
// failed often enough in a row to be Failing, is Suspect. One that nobody checks for now, and of which no check has
// said anything before, is Assumed: a director that takes its service over must not begin with an empty table.
const (
	Unknown Verdict = iota
	Passing
	Failing
	Suspect
	Assumed
)

// String returns "unknown", "passing", "failing", "suspect" or "assumed".
func (v Verdict) String() string {
	switch v {
	case Unknown:
		return "unknown"
	case Passing:
		return "passing"
	case Failing:
		return "failing"
	case Suspect:
		return "suspect"
	case Assumed:
		return "assumed"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// verdictOf is what a single result says, taken by itself.
func verdictOf(err error) Verdict {
	if err != nil {
		return Failing
	}
	return Passing
}
