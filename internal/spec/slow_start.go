package spec

import "time"

const (
	minSlowStart = Duration(time.Second)
	maxSlowStart = Duration(time.Hour)
)

// validateSlowStart reports a time in which a weight cannot grow. Its pointer is "".
func validateSlowStart(d Duration) FieldErrors {
	var errs FieldErrors
	if d != 0 && (d < minSlowStart || d > maxSlowStart) {
		errs.add("", "%s is out of range: use 0s, which gives the full weight at once, or %s to %s", d, minSlowStart, maxSlowStart)
	}
	return errs
}
