package vrrp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLateness_CountsEachAdvertInAllBucketsThatHoldIt(t *testing.T) {
	t.Parallel()
	var l lateness
	for _, late := range []time.Duration{0, 20 * time.Microsecond, 21 * time.Microsecond, 3 * ms, 2 * time.Second} {
		l.observe(late)
	}
	want := Lateness{Count: 5, Sum: 2*time.Second + 3*ms + 41*time.Microsecond, Buckets: map[time.Duration]uint64{
		20 * time.Microsecond: 2, 50 * time.Microsecond: 3, 100 * time.Microsecond: 3, 250 * time.Microsecond: 3,
		ms: 3, 2500 * time.Microsecond: 3, 5 * ms: 4, 10 * ms: 4, 25 * ms: 4, 100 * ms: 4, time.Second: 4,
	}}
	if diff := cmp.Diff(want, l.snapshot()); diff != "" {
		t.Error(diff)
	}
}

func TestLateness_IsCountedWithoutAllocating(t *testing.T) {
	// Not parallel: AllocsPerRun looks at the whole process.
	var l lateness
	if allocations := testing.AllocsPerRun(1000, func() { l.observe(3 * ms) }); allocations != 0 {
		t.Errorf("%v allocations for each advert", allocations)
	}
}
