package vrrp

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func openTraces(t *testing.T, path string) *Traces {
	t.Helper()
	traces, err := OpenTraces(path)
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

func TestTraces_OutliveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "adverts")
	before := openTraces(t, path) // never closed, as by a process that was killed
	before.of("a").Store(1)
	before.of("b").Store(2)
	before.of("c").Store(0)
	after := openTraces(t, path)
	if a, b, c := after.of("a").Load(), after.of("b").Load(), after.of("c").Load(); a != 1 || b != 2 || c != 0 {
		t.Errorf("a %d, b %d, c %d; want 1, 2, 0", a, b, c)
	}
	a, again := after.of("a"), after.of("a")
	if a != again || after.of("d") == after.of("c") {
		t.Error("an instance has one place, and no other has the same")
	}
	if (*Traces)(nil).of("a").Load() != 0 {
		t.Error("nothing remembers something")
	}
}

func TestTraces_AFullFileForgetsWhoIsGoneAndThenTheNewOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "adverts")
	before := openTraces(t, path)
	for i := range traceSlots {
		before.of(fmt.Sprint("gone ", i)).Store(int64(i % 2)) // every other one was active
	}
	after := openTraces(t, path)
	for i := range traceSlots / 2 {
		after.of(fmt.Sprint("new ", i)).Store(7)
	}
	after.of("one too many").Store(7)
	again := openTraces(t, path)
	if got := again.of("gone 1").Load(); got != 1 {
		t.Errorf("who was active has %d, want 1", got)
	}
	if first, extra := again.of("new 0").Load(), again.of("one too many").Load(); first != 7 || extra != 0 {
		t.Errorf("the first new one has %d, the one too many %d; want 7 and 0", first, extra)
	}
}

func TestRouter_GoesOnOnlyBeforeTheOthersMissIt(t *testing.T) {
	t.Parallel()
	const now = time.Hour
	for name, tt := range map[string]struct {
		last    time.Duration
		resumes bool
	}{
		"just now":                     {now - time.Millisecond, true},
		"just in time":                 {now - ActiveDownInterval(100, time.Second) + 1, true},
		"just too late":                {now - ActiveDownInterval(100, time.Second), false},
		"was not active":               {0, false},
		"of another boot, in the time": {now + 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last := &atomic.Int64{}
			last.Store(int64(tt.last))
			r := newRouter("web", spec.VRRPInstance{VirtualRouterID: 51, Interface: "eth0", Priority: 100,
				AdvertisementInterval: spec.Duration(time.Second)}, slog.New(slog.DiscardHandler), func(*router, error) {}, last)
			r.resume(now)
			if got := r.wanted().active; got != tt.resumes {
				t.Errorf("wants its addresses: %t, want %t", got, tt.resumes)
			}
			if got := last.Load() != 0; got != tt.resumes {
				t.Errorf("the time is kept: %t, want %t", got, tt.resumes)
			}
		})
	}
}

func TestMachine_ResumesWithAnAdvertOrLetsGo(t *testing.T) {
	t.Parallel()
	m := NewMachine(own(100))
	m.Step(0, Resume{})
	if got := fmt.Sprint(m.Step(0, Startup{})); got != "[{100} {}]" || m.State() != spec.InstanceActive {
		t.Errorf("%s in state %s; want an advert, then the addresses", got, m.State())
	}
	m = NewMachine(own(100))
	m.Step(0, Resume{})
	if got := fmt.Sprintf("%T", m.Step(0, Fault{})[0]); got != "vrrp.Release" || m.State() != spec.InstanceFault {
		t.Errorf("%s in state %s; want the addresses released", got, m.State())
	}
	if m.Step(0, Startup{}); m.State() != spec.InstanceBackup {
		t.Errorf("after a fault it is %s; want backup", m.State())
	}
}
