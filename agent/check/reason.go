package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// timeoutError is why a context of a check ended: its time was up.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }

// withTimeout returns the context of one round.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, timeoutError{d})
}

// networkReason puts an error of a connection into words. Go's own carry addresses and layers of
// wrapping, which say nothing that the reader doesn't know.
func networkReason(ctx context.Context, err error) error {
	if setup, ok := errors.AsType[setupError](err); ok {
		return setup
	}
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno // "connection refused"
	case expired(err):
		// The connection's own deadline is the context's, and may be noticed first.
		if _, ok := ctx.Deadline(); ok {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return errors.New("the connection was closed without an answer")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed in the middle of the answer")
	}
	return errors.New(clean(err.Error()))
}

func expired(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// clean makes one bounded line of a text that came from outside.
func clean(text string) string { return spec.OneLine(text) }

// all joins the errors of several probes into one line; nil when none failed.
func all(results []error) error {
	var failed []string
	for _, err := range results {
		if err != nil {
			failed = append(failed, err.Error())
		}
	}
	if failed == nil {
		return nil
	}
	return errors.New(strings.Join(failed, "; "))
}
