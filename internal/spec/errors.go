package spec

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// FieldError is one thing wrong with a request: where, and in one sentence what is wrong and how to
// mend it. It never repeats a whole value that might be a secret.
type FieldError struct {
	// Pointer is the JSON pointer of the field (RFC 6901). What stands in the URL rather than in the
	// body is pointed at by the name of the Terraform attribute: /name, /address, /port,
	// /virtual_server. "" is the object as a whole.
	Pointer string `json:"pointer" doc:"JSON pointer (RFC 6901) of the field that is wrong"`
	Detail  string `json:"detail" doc:"what is wrong, and how to mend it"`
}

// FieldErrors is everything wrong with a request. A nil FieldErrors is a valid request.
type FieldErrors []FieldError

// Error joins all of them.
func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Detail
		if f.Pointer != "" {
			lines[i] = strings.TrimPrefix(f.Pointer, "/") + ": " + f.Detail
		}
	}
	return strings.Join(lines, "; ")
}

// add appends an error about the field at pointer.
func (e *FieldErrors) add(pointer, format string, args ...any) {
	*e = append(*e, FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// within reports a number outside its range.
func (e *FieldErrors) within(pointer string, value, low, high int) {
	if value < low || value > high {
		e.add(pointer, "%d is out of range: use %d to %d", value, low, high)
	}
}

// pointer returns the JSON pointer below a base to a member of that name, with what RFC 6901 wants
// escaped.
func pointer(base, name string) string {
	return string(jsontext.Pointer(base).AppendToken(name))
}

// Under returns the errors with every pointer moved below prefix.
func (e FieldErrors) Under(prefix string) FieldErrors {
	moved := make(FieldErrors, len(e))
	for i, f := range e {
		moved[i] = FieldError{Pointer: prefix + f.Pointer, Detail: f.Detail}
	}
	return moved
}
