package spec

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that is written as Go writes it: "1s", "100ms", "1m30s".
type Duration time.Duration

// Std returns the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the canonical form, "1m0s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the canonical form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads any form that time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: write a number and a unit, such as 500ms, 2s or 1m30s", text)
	}
	*d = Duration(v)
	return nil
}
