package main

import (
	"fmt"
	"io"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// table has costs: the time that passed, and the processor's.
type table struct{ *bench.Table }

func newTable(out io.Writer) *table {
	return &table{bench.NewTable(out, "%-56s %10s %12s  %-22s %s", "", "passed", "processor", "bound", "verdict")}
}

// figure prints a cost that is only there to be compared with.
func (t *table) figure(what string, c cost) {
	t.Row(what, rounded(c.passed), rounded(c.processor), "", "")
}

// time prints a cost, of which the time that passed is to be below the bound.
func (t *table) time(what string, c cost, bound time.Duration) {
	t.Row(what, rounded(c.passed), rounded(c.processor), "passed < "+bound.String(), t.Verdict(c.passed < bound))
}

// ratio prints the cost of a peer, of which another one may be that many times as much. What other work does to a
// machine changes the time that passes more than the processor's.
func (t *table) ratio(what string, peer, c cost, bound float64) {
	ratio := c.processor.Seconds() / peer.processor.Seconds()
	t.Row(what, rounded(peer.passed), rounded(peer.processor), fmt.Sprintf("processor %.2f <= %.2f", ratio, bound), t.Verdict(ratio <= bound))
}

// count prints a number that is only there to be compared with.
func (t *table) count(what string, value int64) {
	t.Row(what, fmt.Sprint(value), "", "", "")
}

// number prints a count, which is to be at most the bound.
func (t *table) number(what string, value, bound int64) {
	t.Row(what, fmt.Sprint(value), "", fmt.Sprintf("<= %d", bound), t.Verdict(value <= bound))
}

func rounded(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
