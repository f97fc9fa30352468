package spec

import (
	"errors"
	"fmt"
)

// ObjectError is a failure that concerns one object. What belongs to a virtual server, its real
// servers included, concerns the virtual server.
type ObjectError struct {
	Kind Kind
	Name string
	Err  error
}

// Error names the object and what went wrong.
func (e *ObjectError) Error() string { return fmt.Sprintf("%s %q: %v", e.Kind, e.Name, e.Err) }

// Unwrap returns what went wrong.
func (e *ObjectError) Unwrap() error { return e.Err }

// Concerning returns what of a joined error matters to one object: its own failures, and those that are
// no object's in particular. One object that cannot be had must not fail a request for another.
func Concerning(err error, kind Kind, name string) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var left []error
		for _, e := range joined.Unwrap() {
			left = append(left, Concerning(e, kind, name))
		}
		return errors.Join(left...)
	}
	if of, ok := errors.AsType[*ObjectError](err); ok && (of.Kind != kind || of.Name != name) {
		return nil
	}
	return err
}
