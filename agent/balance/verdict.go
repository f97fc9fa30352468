package balance

// Verdict is what the checks of a real server say.
type Verdict int

// The verdicts. A server is Unknown until its first check has ended.
const (
	Unknown Verdict = iota
	Up
	Down
)
