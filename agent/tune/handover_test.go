package tune

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Under the policy Report a process that begins undoes what somebody changed while there was none. One that goes on in
// another's place was always there.
func TestDriftThatIsOnlyReportedIsLeftToTheNextProcess(t *testing.T) {
	t.Parallel()
	for _, tt := range behind {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Report)
			b.put(allSet)
			tt.do(b)
			drifted := b.kernel.String() + b.machine.String()
			b.restart("boot 1")
			b.TakeOver()
			v := settingsOf(t, allSet)
			b.Set(&v)
			if err := b.Resync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(drifted, b.kernel.String()+b.machine.String()); diff != "" {
				t.Errorf("the next process wrote (-want +got):\n%s", diff)
			}
			if got := b.drift(); len(got) != 1 {
				t.Errorf("drift: %v", got)
			}
		})
	}
}

func TestTunerThatIsSuspendedWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.Suspend()
	b.wantDid("while it is suspended", nil, func() { b.put(allSet) })
	b.Continue()
	if got := b.did(b.resync); len(got) == 0 {
		t.Error("what was asked for meanwhile is not done")
	}
}
