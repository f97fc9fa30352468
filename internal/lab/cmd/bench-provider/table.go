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

const rowFormat = "%-56s %10s %12s  %-22s %s\n"

func (t *table) head() {
	fmt.Fprintf(t.out, rowFormat, "", "passed", "processor", "bound", "verdict")
	fmt.Fprintln(t.out, strings.Repeat("-", 114))
}

// figure prints a cost that is only there to be compared with.
func (t *table) figure(what string, c cost) {
	fmt.Fprintf(t.out, rowFormat, what, rounded(c.passed), rounded(c.processor), "", "")
}

// time prints a cost, of which the time that passed is to be below the bound.
func (t *table) time(what string, c cost, bound time.Duration) {
	fmt.Fprintf(t.out, rowFormat, what, rounded(c.passed), rounded(c.processor), "passed < "+bound.String(), t.verdict(c.passed < bound))
}

// ratio prints the cost of a peer, of which another one may be that many times as much. What other work does to a
// machine changes the time that passes more than the processor's.
func (t *table) ratio(what string, peer, c cost, bound float64) {
	ratio := c.processor.Seconds() / peer.processor.Seconds()
	fmt.Fprintf(t.out, rowFormat, what, rounded(peer.passed), rounded(peer.processor), fmt.Sprintf("processor %.2f <= %.2f", ratio, bound), t.verdict(ratio <= bound))
}

// count prints a number that is only there to be compared with.
func (t *table) count(what string, value int64) {
	fmt.Fprintf(t.out, rowFormat, what, fmt.Sprint(value), "", "", "")
}

// number prints a count, which is to be at most the bound.
func (t *table) number(what string, value, bound int64) {
	fmt.Fprintf(t.out, rowFormat, what, fmt.Sprint(value), "", fmt.Sprintf("<= %d", bound), t.verdict(value <= bound))
}

func (t *table) verdict(kept bool) string {
	if kept {
		return "ok"
	}
	t.missed = true
	return "MISSED"
}

func rounded(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
