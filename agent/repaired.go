package agent

import (
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// repairedShown is how long the status tells of what was put right.
const repairedShown = 10 * time.Minute

// repairedLately returns the drift that was put right lately, each difference once, the last repair at the
// end.
func repairedLately(events *event.Log) []spec.Drift {
	repaired := []spec.Drift{}
	told := map[spec.Drift]bool{}
	for _, e := range events.Since(time.Now().Add(-repairedShown), spec.EventDriftRepaired) {
		d := e.Repaired()
		what := d
		what.Actual, what.Repaired = "", time.Time{}
		if !told[what] {
			told[what] = true
			repaired = append(repaired, d)
		}
	}
	slices.Reverse(repaired)
	return repaired
}
