package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// StatusRange is an HTTP status code or a range of them, both ends included. Its text is "204" or
// "200-299".
type StatusRange struct{ First, Last int }

// Contains reports whether a status code is in the range.
func (r StatusRange) Contains(code int) bool { return r.First <= code && code <= r.Last }

// String returns "204" or "200-299".
func (r StatusRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// MarshalText writes "204" or "200-299".
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "204" or "200-299".
func (r *StatusRange) UnmarshalText(text []byte) error {
	first, last, isRange := strings.Cut(string(text), "-")
	if !isRange {
		last = first
	}
	low, err1 := strconv.Atoi(first)
	high, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("%q is not a status code or a range of them: write 204 or 200-299", text)
	}
	*r = StatusRange{First: low, Last: high}
	return nil
}
