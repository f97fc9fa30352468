package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// table prints results as they come.
type table struct {
	out io.Writer
	// missed: at least one bound was.
	missed bool
}

const rowFormat = "%-74s %12s %8s  %-18s %s\n"

func (t *table) head() {
	fmt.Fprintf(t.out, rowFormat, "", "measured", "ratio", "bound", "verdict")
	fmt.Fprintln(t.out, strings.Repeat("-", 124))
}

// figure prints a value that is only there to be compared with.
func (t *table) figure(what, value string) { fmt.Fprintf(t.out, rowFormat, what, value, "", "", "") }

// atLeast prints a value that is to be as large as the bound.
func (t *table) atLeast(what string, value, bound float64, unit string) {
	fmt.Fprintf(t.out, rowFormat, what, fmt.Sprintf("%.0f %s", value, unit), "", fmt.Sprintf(">= %.0f %s", bound, unit), t.verdict(value >= bound))
}

// between prints a duration, which is to lie between two others.
func (t *table) between(what string, took, from, to time.Duration) {
	fmt.Fprintf(t.out, rowFormat, what, rounded(took), "", fmt.Sprintf("%s to %s", rounded(from), rounded(to)), t.verdict(took >= from && took <= to))
}

// ratio prints a duration, which is to be at most that part of another one; with 0 it need not be.
func (t *table) ratio(what string, took, than time.Duration, bound float64) {
	ratio := took.Seconds() / than.Seconds()
	limit, verdict := "", ""
	if bound > 0 {
		limit, verdict = fmt.Sprintf("<= %.2f", bound), t.verdict(ratio <= bound)
	}
	fmt.Fprintf(t.out, rowFormat, what, rounded(took), fmt.Sprintf("%.3f", ratio), limit, verdict)
}

// number prints any other value, which is to be below the bound.
func (t *table) number(what string, value, bound float64, unit string) {
	fmt.Fprintf(t.out, rowFormat, what, fmt.Sprintf("%.2f %s", value, unit), "", fmt.Sprintf("< %.0f %s", bound, unit), t.verdict(value < bound))
}

func (t *table) verdict(kept bool) string {
	if kept {
		return "ok"
	}
	t.missed = true
	return "MISSED"
}

func rounded(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
