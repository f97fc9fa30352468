package main

import (
	"fmt"
	"io"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// table has what both daemons took.
type table struct{ *bench.Table }

func newTable(out io.Writer) *table {
	return &table{bench.NewTable(out, "%-46s %12s %12s %8s  %-28s %s", "", "lvs-agent", "keepalived", "ratio", "bound", "verdict")}
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
		verdict = t.Verdict(r.kept)
	}
	t.Row(r.what, r.format(r.ours), theirs, ratio, r.bound, verdict)
}

func asMilliseconds(v float64) string { return fmt.Sprintf("%.2f ms", v*1e3) }
func asAtMost(v float64) string       { return "<= " + asMilliseconds(v) }
func asPercent(v float64) string      { return fmt.Sprintf("%.2f %%", v*100) }
func asMegabytes(v float64) string    { return fmt.Sprintf("%.1f MB", v/1e6) }
func asCount(v float64) string        { return fmt.Sprintf("%.0f", v) }

func seconds(d time.Duration) float64 { return d.Seconds() }
