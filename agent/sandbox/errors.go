package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"
)

// StartError is why a program did not run.
type StartError struct{ reason string }

// Error says in words what is missing and how to mend it.
func (e *StartError) Error() string { return e.reason }

// ExitError is how a program ended that did not exit with 0.
type ExitError struct {
	// Status is the exit status, 1 to 255, or -1 when a signal killed the program.
	Status int
	// Line is the first line of its output that says something, made fit to print.
	Line string

	how string // "exit status 1", "signal: segmentation fault"
}

// Error returns how it ended, and what it said.
func (e *ExitError) Error() string {
	if e.Line == "" {
		return e.how
	}
	return e.how + ": " + e.Line
}

// startError says why a program did not start.
func startError(file string, as *account, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &StartError{"its time was up before it could start"}
	case errors.Is(err, unix.ENOEXEC):
		return &StartError{fmt.Sprintf("%s is neither a program of this machine nor a script: begin it with a line such as #!/bin/sh", file)}
	case errors.Is(err, unix.ENOENT):
		return &StartError{file + ": the interpreter in its first line does not exist on this director"}
	case errors.Is(err, unix.EACCES) && as != nil:
		return &StartError{fmt.Sprintf("%s cannot be executed by %s, as whom scripts run: see the modes of the folders above it", file, as.name)}
	}
	return &StartError{fmt.Sprintf("start %s: %s", file, plain(err))}
}

// runError says how a run failed, or nil.
func runError(ctx context.Context, err error, line string) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay): // it has left the session, too
		return errors.New("it left a process behind that holds its output open")
	case errors.As(err, &exit):
		return &ExitError{Status: exit.ExitCode(), Line: line, how: exit.String()}
	}
	return err
}
