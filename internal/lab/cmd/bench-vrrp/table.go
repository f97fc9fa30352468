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

const rowFormat = "%-46s %12s %12s %8s  %-28s %s\n"

func (t *table) head() {
	fmt.Fprintf(t.out, rowFormat, "", "lvs-agent", "keepalived", "ratio", "bound", "verdict")
	fmt.Fprintln(t.out, strings.Repeat("-", 118))
}

// result is one line. keepalived and bound may be left out.
type result struct {
	what             string
	ours, keepalived float64
	format           func(float64) string
	compared         bool // with keepalived
	bound            string
	kept             bool
}

func (t *table) add(r result) {
	ratio, theirs, verdict := "", "", ""
	if r.compared {
		theirs = r.format(r.keepalived)
		if r.keepalived > 0 {
			ratio = fmt.Sprintf("%.2f", r.ours/r.keepalived)
		}
	}
	if r.bound != "" {
		verdict = "ok"
		if !r.kept {
			verdict, t.missed = "MISSED", true
		}
	}
	fmt.Fprintf(t.out, rowFormat, r.what, r.format(r.ours), theirs, ratio, r.bound, verdict)
}

func asMilliseconds(v float64) string { return fmt.Sprintf("%.2f ms", v*1e3) }
func asAtMost(v float64) string       { return "<= " + asMilliseconds(v) }
func asPercent(v float64) string      { return fmt.Sprintf("%.2f %%", v*100) }
func asMegabytes(v float64) string    { return fmt.Sprintf("%.1f MB", v/1e6) }
func asCount(v float64) string        { return fmt.Sprintf("%.0f", v) }

func seconds(d time.Duration) float64 { return d.Seconds() }
