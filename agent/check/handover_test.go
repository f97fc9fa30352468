package check

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// The process that goes on in another one's place counts on, and in its rhythm: two failures of three that were seen
// before need one more.
func TestCheckerGoesOnWhereAnotherProcessWas(t *testing.T) {
	t.Parallel()
	want := scripted(cluster(one, two), "gateway")
	onBench(t, want, func(b bench) {
		b.pass(2 * time.Second)
		b.prober.set(ofOne, errRefused)
		b.prober.set("/gateway", errRefused)
		b.pass(time.Second + 100*time.Millisecond)
		b.wantServer(key(one), Passing, errRefused.Error())
		b.wantServer(key(two), Passing, "")
		b.wantScript("gateway", true, true)

		data, err := spec.Encode(b.Remember())
		if err != nil {
			t.Fatal(err)
		}
		var handed Handover
		if err := spec.Decode(data, &handed); err != nil {
			t.Fatal(err)
		}
		next := bench{t: b.t, prober: newFakeProber()}
		next.prober.begin = b.prober.begin
		next.prober.set(ofOne, errRefused)
		next.prober.set("/gateway", errRefused)
		next.Checker = New(Config{Prober: next.prober, Jitter: evenly})
		next.TakeOver(handed)
		next.Set(want)
		next.wantServer(key(one), Passing, errRefused.Error())
		next.wantScript("gateway", true, true)
		before, _ := b.Facts(key(one))
		after, _ := next.Facts(key(one))
		if diff := cmp.Diff(before.Reason, after.Reason); diff != "" || !before.At.Equal(after.At) {
			t.Errorf("facts: %+v became %+v", before, after)
		}
		was := b.prober.times(ofOne)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- next.Run(ctx) }()
		synctest.Wait()
		next.pass(time.Second)
		next.wantServer(key(one), Failing, errRefused.Error())
		next.wantServer(key(two), Passing, "")
		next.wantScript("gateway", false, true)
		next.wantTimes(ofOne, was[len(was)-1]+time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestVerdictsHaveNames(t *testing.T) {
	t.Parallel()
	for v := Unknown; v <= Assumed; v++ {
		text, _ := v.MarshalText()
		var got Verdict
		if err := got.UnmarshalText(text); err != nil || got != v {
			t.Errorf("%s became %s: %v", v, got, err)
		}
	}
	if err := new(Verdict).UnmarshalText([]byte("well")); err == nil {
		t.Error("anything is a verdict")
	}
}
