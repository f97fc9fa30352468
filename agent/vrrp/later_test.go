package vrrp

import (
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestMachineState_LaterStaysInStepAndWaitsForWhatNobodyHeard(t *testing.T) {
	t.Parallel()
	const at, interval = time.Minute, 100 * time.Millisecond
	for name, tt := range map[string]struct {
		state    spec.InstanceState
		deadline time.Duration
		passed   time.Duration
		want     time.Duration
	}{
		"active, in time":              {spec.InstanceActive, at + 30*time.Millisecond, 10 * time.Millisecond, at + 30*time.Millisecond},
		"active, just due":             {spec.InstanceActive, at + 30*time.Millisecond, 30 * time.Millisecond, at + 130*time.Millisecond},
		"active, a little late":        {spec.InstanceActive, at + 30*time.Millisecond, 35 * time.Millisecond, at + 130*time.Millisecond},
		"active, seconds late":         {spec.InstanceActive, at + 30*time.Millisecond, 2 * time.Second, at + 2030*time.Millisecond},
		"backup":                       {spec.InstanceBackup, at + 30*time.Millisecond, 2 * time.Second, at + 2030*time.Millisecond},
		"waiting for its successor":    {spec.InstanceInitialize, at + 30*time.Millisecond, time.Second, at + 1030*time.Millisecond},
		"a clock that does not go on":  {spec.InstanceBackup, at + 30*time.Millisecond, 0, at + 30*time.Millisecond},
		"active, and nothing has gone": {spec.InstanceActive, at + 30*time.Millisecond, 0, at + 30*time.Millisecond},
	} {
		s := MachineState{State: tt.state, Pending: true, Deadline: spec.Duration(tt.deadline), Interval: spec.Duration(interval)}
		if got := s.later(at, at+tt.passed).Deadline.Std(); got != tt.want {
			t.Errorf("%s: the deadline is %s, want %s", name, got-at, tt.want-at)
		}
	}
	idle := MachineState{State: spec.InstanceFault}
	if got := idle.later(at, at+time.Second); got != idle {
		t.Errorf("in fault: %+v", got)
	}
}
