// Package bench is what the commands of make bench have in common: how they begin and end, the table that they print,
// and what they read of processes.
package bench

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// Exit statuses of a command, beside 0.
const (
	StatusMissed = 1 // a bound was
	StatusFailed = 2 // there is no measurement
)

// Main is a command's main function: it runs until an interrupt, says what went wrong, and exits.
func Main(name string, run func(context.Context) (status int, err error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		status = StatusFailed
	}
	os.Exit(status)
}

// Parts splits a list of what is to be measured. The error names a part that is none of those known.
func Parts(list string, known []string) ([]string, error) {
	parts := strings.Split(list, ",")
	for _, part := range parts {
		if !slices.Contains(known, part) {
			return nil, fmt.Errorf("there is no part %q: there are %s", part, strings.Join(known, ", "))
		}
	}
	return parts, nil
}
