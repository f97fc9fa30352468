// Package failpoint names the places of the program at which a test ends it, as a crash would: between the steps of a
// write to a director. It does nothing in a program that was not built with the tag failpoints.
package failpoint

// Point is a place.
type Point string

// The steps of a write, in their order: each point is behind its step.
const (
	// Validated: the request is right, and nothing has changed.
	Validated Point = "validated"
	// Written: the change is in the transaction, which is not committed.
	Written Point = "written"
	// Persisted: it is on disk, and nobody was told.
	Persisted Point = "persisted"
	// Applied: the kernel has it, and was not read back.
	Applied Point = "applied"
	// ReadBack: it was read back, and the request is not answered.
	ReadBack Point = "read_back"
)

// Points lists every Point.
func Points() []Point { return []Point{Validated, Written, Persisted, Applied, ReadBack} }

// Variable names the environment variable with the path of the file that holds the point at which the program
// ends. The file may come, change and go while it runs.
const Variable = "LVS_FAILPOINT"
