package balance

// Verdict is what the checks of a real server say.
type Verdict int

// The verdicts. A server is Unknown until its first check has ended, and Suspect when that failed and it takes
// more failures in a row for it to be Down: then it stays what it was. It is Assumed to be up while it is not checked,
// unless it is known to be something else.
const (
	Unknown Verdict = iota
	Up
	Down
	Suspect
	Assumed
)
