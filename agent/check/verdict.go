package check

import "fmt"

// Verdict says whether a target is well.
type Verdict int

// The verdicts. A target is Unknown until its first result.
const (
	Unknown Verdict = iota
	Passing
	Failing
)

// String returns "unknown", "passing" or "failing".
func (v Verdict) String() string {
	switch v {
	case Unknown:
		return "unknown"
	case Passing:
		return "passing"
	case Failing:
		return "failing"
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
