package check

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestFlapsCountForAnHour(t *testing.T) {
	t.Parallel()
	begin := time.Unix(0, 0)
	var f flaps
	for i := range 6 {
		f = f.with(begin.Add(time.Duration(i) * 20 * time.Minute))
	}
	var got []int
	for _, later := range []time.Duration{100, 119, 120, 140, 160, 200} {
		got = append(got, f.lately(begin.Add(later*time.Minute)))
	}
	if diff := cmp.Diff([]int{3, 3, 2, 1, 0, 0}, got); diff != "" {
		t.Errorf("flaps in the last hour (-want +got):\n%s", diff)
	}
}

func TestFlapsAreBounded(t *testing.T) {
	t.Parallel()
	var f flaps
	for i := range 10 * maxFlaps {
		f = f.with(time.Unix(0, int64(i)))
	}
	if len(f) != maxFlaps || cap(f) > 8*maxFlaps {
		t.Errorf("%d flaps are kept, in room for %d", len(f), cap(f))
	}
}

func TestDampingDoublesWhatItTakesToComeBack(t *testing.T) {
	t.Parallel()
	var got []int
	for n := range 12 {
		got = append(got, damped(2, n))
	}
	if diff := cmp.Diff([]int{2, 2, 2, 2, 4, 8, 16, 32, 64, 64, 64, 64}, got); diff != "" {
		t.Errorf("passes by flaps (-want +got):\n%s", diff)
	}
}

// flap has the server fail until it is out, and pass until it is in again, and returns how long that took.
func (b bench) flap() (out time.Duration) {
	b.t.Helper()
	b.prober.set(ofOne, errRefused)
	b.pass(3 * time.Second)
	b.wantServer(key(one), Failing, "connection refused")
	b.prober.set(ofOne, nil)
	for v := Failing; v != Passing; v, _ = b.Server(key(one)) {
		b.pass(time.Second)
		out += time.Second
	}
	return out
}

func TestServerThatFlapsStaysOutForLonger(t *testing.T) {
	t.Parallel()
	dampedCheck := func(v *spec.HealthCheck) { v.FlapDamping = true }
	onBench(t, checked(cluster(one), dampedCheck), func(b bench) {
		b.pass(500 * time.Millisecond)
		var got []time.Duration
		for range 6 {
			got = append(got, b.flap())
		}
		want := []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
		if diff := cmp.Diff(want, got); diff != "" {
			b.t.Errorf("passes that it took (-want +got):\n%s", diff)
		}
		b.pass(time.Hour)
		if took := b.flap(); took != 2*time.Second {
			b.t.Errorf("an hour later it took %s", took)
		}
	})
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		for range 6 {
			if took := b.flap(); took != 2*time.Second {
				b.t.Errorf("it took %s without damping", took)
			}
		}
	})
}

func TestFactsSayWhatTheCheckHasSeen(t *testing.T) {
	t.Parallel()
	onBench(t, checked(cluster(one), func(v *spec.HealthCheck) { v.FlapDamping = true }), func(b bench) {
		begin := time.Now()
		if _, ok := b.Facts(key(two)); ok {
			b.t.Error("there are facts about a server that nobody knows")
		}
		want := spec.CheckFacts{PassesNeeded: 2}
		if got, ok := b.Facts(key(one)); !ok || got != want {
			b.t.Errorf("before the first round: %+v", got)
		}
		b.prober.slow(ofOne, 100*time.Millisecond)
		b.pass(500 * time.Millisecond)
		b.flap()
		b.prober.set(ofOne, errRefused)
		b.pass(time.Second)
		got, _ := b.Facts(key(one))
		want = spec.CheckFacts{
			Passed: false, Reason: "connection refused", At: begin.Add(6100 * time.Millisecond), Latency: spec.Duration(100 * time.Millisecond),
			Changed: begin.Add(5100 * time.Millisecond), Flaps: 1, PassesNeeded: 2,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.t.Errorf("facts (-want +got):\n%s", diff)
		}
	})
}
