package sandbox

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// StartError is why a program did not run, or was ended before its end.
type StartError struct{ reason string }

// Error says in words what is missing and how to mend it.
func (e *StartError) Error() string { return e.reason }

// ExitError is how a program ended that did not exit with 0.
type ExitError struct {
	// Status is the exit status, 1 to 255, or -1 when a signal killed the program.
	Status int
	// Line is the first line of its output that says something, made fit to print.
	Line string

	how      string // "exit status 1", "signal: segmentation fault"
	exceeded string // which limit it met, in words
}

// Error returns how it ended, what it said, and which limit it has met.
func (e *ExitError) Error() string {
	text := e.how
	if e.Line != "" {
		text += ": " + e.Line
	}
	if e.exceeded != "" {
		text += " (" + e.exceeded + ")"
	}
	return text
}

// result says how a run failed, or nil.
func (a answer) result(file string, as *account) error {
	switch {
	case a.Unstarted != "":
		return a.startError(file, as)
	case a.Lost != "":
		return errors.New(a.Lost)
	case a.Exit != nil:
		return &ExitError{Status: a.Exit.Status, Line: a.Exit.Line, how: a.Exit.How, exceeded: a.Exit.Exceeded}
	}
	return nil
}

// startError says why a program did not start.
func (a answer) startError(file string, as *account) error {
	switch a.Errno {
	case unix.ENOEXEC:
		return &StartError{fmt.Sprintf("%s is neither a program of this machine nor a script: begin it with a line such as #!/bin/sh", file)}
	case unix.ENOENT:
		return &StartError{file + ": the interpreter in its first line does not exist on this director"}
	case unix.EACCES:
		if as != nil {
			return &StartError{fmt.Sprintf("%s cannot be executed by %s, as whom scripts run: see the modes of the folders above it", file, as.name)}
		}
	}
	return &StartError{fmt.Sprintf("start %s: %s", file, a.Unstarted)}
}
