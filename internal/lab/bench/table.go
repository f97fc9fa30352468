package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Table prints results as they come.
type Table struct {
	out io.Writer
	// row is the format of a line.
	row    string
	missed bool
}

// NewTable prints the heads of a table whose lines have that format.
func NewTable(out io.Writer, row string, heads ...any) *Table {
	t := &Table{out: out, row: row + "\n"}
	t.Row(heads...)
	fmt.Fprintln(out, strings.Repeat("-", len(fmt.Sprintf(row, heads...))))
	return t
}

// Row prints a line.
func (t *Table) Row(cells ...any) { fmt.Fprintf(t.out, t.row, cells...) }

// Verdict says whether a bound was kept, and remembers it.
func (t *Table) Verdict(kept bool) string {
	if kept {
		return "ok"
	}
	t.missed = true
	return "MISSED"
}

// Status is the exit status of what printed the table.
func (t *Table) Status() int {
	if t.missed {
		return StatusMissed
	}
	return 0
}

// Results is a table of values, each with its bound and, where there is a peer, the ratio to the peer's.
type Results struct{ *Table }

// NewResults prints the heads.
func NewResults(out io.Writer) Results {
	return Results{NewTable(out, "%-74s %12s %8s  %-18s %s", "", "measured", "ratio", "bound", "verdict")}
}

// Figure prints a value that is only there to be compared with.
func (r Results) Figure(what, value string) { r.Row(what, value, "", "", "") }

// Time prints a duration, which is to be below the bound.
func (r Results) Time(what string, took, bound time.Duration) {
	r.Row(what, Rounded(took), "", "< "+bound.String(), r.Verdict(took < bound))
}

// Between prints a duration, which is to lie between two others.
func (r Results) Between(what string, took, from, to time.Duration) {
	r.Row(what, Rounded(took), "", fmt.Sprintf("%s to %s", Rounded(from), Rounded(to)), r.Verdict(took >= from && took <= to))
}

// Ratio prints a duration, which is to be at most that part of another one; with 0 it need not be.
func (r Results) Ratio(what string, took, than time.Duration, bound float64) {
	ratio := took.Seconds() / than.Seconds()
	limit, verdict := "", ""
	if bound > 0 {
		limit, verdict = fmt.Sprintf("<= %.2f", bound), r.Verdict(ratio <= bound)
	}
	r.Row(what, Rounded(took), fmt.Sprintf("%.3f", ratio), limit, verdict)
}

// Number prints any other value, which is to be below the bound.
func (r Results) Number(what string, value, bound float64, unit string) {
	r.Row(what, fmt.Sprintf("%.2f %s", value, unit), "", fmt.Sprintf("< %.0f %s", bound, unit), r.Verdict(value < bound))
}

// AtLeast prints a value that is to be as large as the bound.
func (r Results) AtLeast(what string, value, bound float64, unit string) {
	r.Row(what, fmt.Sprintf("%.0f %s", value, unit), "", fmt.Sprintf(">= %.0f %s", bound, unit), r.Verdict(value >= bound))
}

// Rounded is a duration for a person.
func Rounded(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
