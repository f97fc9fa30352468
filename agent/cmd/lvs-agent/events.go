package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func eventsCommand() *cobra.Command {
	var to connection
	var since uint64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print what happens on a director, as it happens",
		Long: "Print what happens on a director, as it happens, until interrupted.\n\n" +
			"A connection that breaks is made again, and nothing is missed meanwhile: what was lost after all is said on\n" +
			"standard error.\n\n" + tokenHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			director, err := to.open()
			if err != nil {
				return err
			}
			f := follower{director: director, after: since, out: cmd.OutOrStdout(), complain: cmd.ErrOrStderr(), print: printEvent}
			if asJSON {
				f.print = printJSON
			}
			if !cmd.Flags().Changed("since") {
				status, err := director.Status(cmd.Context())
				if err != nil {
					return err
				}
				f.after = status.Events.Revision
			}
			return f.run(cmd.Context())
		},
	}
	to.flags(cmd)
	cmd.Flags().Uint64Var(&since, "since", 0, "begin with what happened after the event of that `REVISION`; 0 begins with the first (default: with what happens next)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one event a line")
	return cmd
}

// The time between attempts at a director that does not answer. It doubles.
const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// follower prints a director's events.
type follower struct {
	director      *client.Client
	after         uint64
	out, complain io.Writer
	print         func(io.Writer, spec.Event) error
	// met: the director has answered once.
	met bool
}

// run follows until ctx ends, which is no error.
func (f *follower) run(ctx context.Context) error {
	wait := firstRetry
	for {
		before := f.after
		err := f.connect(ctx)
		again := client.IsUnreachable(err) && f.met || client.IsStatus(err, http.StatusServiceUnavailable)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the error comes of the context's end, which was asked for
		case client.IsStatus(err, http.StatusGone):
			if err := f.lost(ctx); err != nil {
				return err
			}
			continue
		case err != nil && !again:
			return err
		case err != nil && wait == firstRetry:
			fmt.Fprintf(f.complain, "%v; trying again\n", err)
		}
		if f.after != before {
			wait = firstRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, lastRetry)
	}
}

// connect prints events for as long as one connection lasts.
func (f *follower) connect(ctx context.Context) error {
	for e, err := range f.director.Events(ctx, f.after) {
		if err != nil {
			f.met = f.met || client.IsStatus(err, http.StatusGone)
			return err
		}
		f.met = true
		if e.Revision != 0 {
			f.after = e.Revision
		}
		if err := f.print(f.out, e); err != nil {
			return err
		}
	}
	f.met = true // an answer without events is one
	return nil
}

// lost says what was lost, and goes on with what is kept.
func (f *follower) lost(ctx context.Context) error {
	status, err := f.director.Status(ctx)
	if err != nil {
		return err
	}
	kept := status.Events
	switch {
	case f.after > kept.Revision:
		fmt.Fprintf(f.complain, "events were lost: %d is not a revision of this director; going on after %d\n", f.after, kept.Compacted)
	case f.after < kept.Compacted:
		fmt.Fprintf(f.complain, "events were lost: those from %d to %d are gone\n", f.after+1, kept.Compacted)
	}
	f.after = kept.Compacted
	return nil
}

func printJSON(w io.Writer, e spec.Event) error {
	data, err := spec.Encode(e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// printEvent writes an event as a line for a person.
func printEvent(w io.Writer, e spec.Event) error {
	_, err := fmt.Fprintf(w, "%s  %s\n", e.Time.Local().Format("2006-01-02 15:04:05.000"), inWords(e))
	return err
}

func inWords(e spec.Event) string {
	text := what(e)
	if e.Kind != "" {
		text = subject(e) + ": " + text
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// subject names the object that it happened to: real server web/192.0.2.21:80.
func subject(e spec.Event) string {
	text := e.Kind.String()
	if e.Name != "" {
		text += " " + e.Name
	}
	if e.Server != "" {
		text += "/" + e.Server
	}
	return text
}

func what(e spec.Event) string {
	switch {
	case e.Type == spec.EventAgentStarted:
		return "agent started on " + e.Name
	case e.Spec != nil && e.Spec.ETag == "":
		return fmt.Sprintf("deleted, revision %d", e.Spec.Revision)
	case e.Spec != nil:
		return fmt.Sprintf("spec changed, revision %d", e.Spec.Revision)
	case e.State != nil:
		return change(*e.State)
	case e.Drain != nil && e.Type == spec.EventDrainBegun:
		return string(e.Drain.Kind) + " begun"
	case e.Drain != nil:
		return string(e.Drain.Kind) + " ended"
	case e.Oddity != nil:
		return fmt.Sprintf("adverts of %s do not match: %s", e.Oddity.Source, e.Oddity.Oddity)
	case e.Drift != nil && e.Type == spec.EventDriftRepaired:
		return fmt.Sprintf("repaired: %s=%s was %s", e.Drift.Field, e.Drift.Want, e.Drift.Actual)
	case e.Drift != nil:
		return fmt.Sprintf("somebody else changed it: %s=%s, want %s", e.Drift.Field, e.Drift.Actual, e.Drift.Want)
	case e.Type == spec.EventFailoverBegun:
		return "failover begun"
	case e.Type == spec.EventFailoverEnded:
		return "failover ended"
	}
	return string(e.Type)
}

func change(s spec.StateChange) string {
	text := s.To
	if s.From != "" {
		text = s.From + " -> " + s.To
	}
	if s.EffectivePriority != 0 {
		text += fmt.Sprintf(", priority %d", s.EffectivePriority)
	}
	if s.ActiveRouter != "" {
		text += ", active router " + s.ActiveRouter
	}
	return text
}
