package vrrp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestJitterIsTheWorstOfTheLastFiveMinutes(t *testing.T) {
	t.Parallel()
	var j jitter
	begin := 3 * time.Hour
	for i := range 10 * 60 { // ten minutes, of which the second one was bad
		at, late := begin+time.Duration(i)*time.Second, time.Millisecond
		if i/60 == 1 {
			late = 40 * time.Millisecond
		}
		j.observe(at, late)
		want := time.Millisecond
		if i >= 60 && i < 6*60+1 {
			want = 40 * time.Millisecond
		}
		got := j.worst(at)
		if inBetween := i > 6*60 && i < 7*60+10; got != want && !inBetween {
			t.Fatalf("after %d s it is %s, want %s", i, got, want)
		}
	}
	if got := j.worst(begin + time.Hour); got != 0 {
		t.Errorf("long after it is %s", got)
	}
}

func TestIntervalThatTheMachineIsNotInTimeForIsDoubted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		interval, late time.Duration
		want           string
	}{
		{10 * time.Millisecond, 0, ""},
		{10 * time.Millisecond, 9 * time.Millisecond, ""},
		{10 * time.Millisecond, 10 * time.Millisecond, "has woken up to 10ms late in the last 5m0s, and others take over after three intervals without an advert: under such a load the role may change hands at 10ms; use at least 20ms"},
		{10 * time.Millisecond, 36 * time.Millisecond, "use at least 50ms"},
		{100 * time.Millisecond, 50 * time.Millisecond, ""},
		{100 * time.Millisecond, 260 * time.Millisecond, "use at least 500ms"},
		{time.Second, 1500 * time.Millisecond, "use at least 2s"},
	} {
		v := spec.DefaultVRRPInstance()
		v.AdvertisementInterval = spec.Duration(test.interval)
		errs := doubts(v, test.late)
		if (test.want == "") != (errs == nil) || errs != nil && (errs[0].Pointer != "/advertisement_interval" || !strings.Contains(errs[0].Detail, test.want)) {
			t.Errorf("at %s and %s late: %v, want %q", test.interval, test.late, errs, test.want)
		}
	}
}

func TestPulseMeasures(t *testing.T) {
	t.Parallel()
	p := &Pulse{}
	if got := p.Jitter(); got != 0 {
		t.Errorf("before the first it is %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); p.Jitter() == 0 && time.Now().Before(deadline); {
		time.Sleep(pulseInterval)
	}
	if p.Jitter() == 0 {
		t.Error("it measures nothing")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
