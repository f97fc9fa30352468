package main

import "testing"

const earlier = `# TYPE late_seconds histogram
late_seconds_bucket{le="0.001"} 90
late_seconds_bucket{le="0.01"} 100
late_seconds_bucket{le="+Inf"} 101
late_seconds_sum 0.5
late_seconds_count 101
`

const later = `late_seconds_bucket{le="0.001"} 188
late_seconds_bucket{le="0.01"} 200
late_seconds_bucket{le="+Inf"} 201
`

func TestQuantileIsOfWhatWasAdded(t *testing.T) {
	t.Parallel()
	before, err := readHistogram(earlier, "late_seconds")
	if err != nil {
		t.Fatal(err)
	}
	after, err := readHistogram(later, "late_seconds")
	if err != nil {
		t.Fatal(err)
	}
	for share, want := range map[float64]float64{0.5: 0.001, 0.98: 0.001, 0.99: 0.01, 1: 0.01} {
		if got := after.since(before).quantile(share); got != want {
			t.Errorf("%v of what was added are at most %v, want %v", share, got, want)
		}
	}
	if _, err := readHistogram(later, "other_seconds"); err == nil {
		t.Error("a histogram was found that is not there")
	}
}
