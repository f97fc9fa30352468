package check

import "fmt"

// Verdict says whether a target is well.
type Verdict int

// The verdicts. A target is Unknown until its first result. A real server that has never passed, and not yet
// failed often enough in a row to be Failing, is Suspect.
const (
	Unknown Verdict = iota
	Passing
	Failing
	Suspect
)

// String returns "unknown", "passing", "failing" or "suspect".
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
