package vrrp

import (
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// A process that was stopped may find that others took over, and must not tell neighbours otherwise before it does.
func TestRounds_74_ARoundThatIsFarTooLateIsPutOff(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	planned := begun.Add(5 * time.Second)
	for late, putOff := range map[time.Duration]bool{0: false, stall: false, stall + 1: true, time.Hour: true} {
		var r rounds
		r.begin(begun, spec.GARP{Delay: spec.Duration(5 * time.Second), Repeat: 1, Rate: 1000})
		now := planned.Add(late)
		if from, to := r.take(now, 3); (from == to) != putOff {
			t.Errorf("%s late: announces %d to %d", late, from, to)
		}
		if from, to := r.take(now.Add(stall), 3); (from < to) != putOff {
			t.Errorf("%s late, and %s later: announces %d to %d", late, stall, from, to)
		}
	}
}
