package vrrp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// pulseInterval is how often the pulse is taken: often enough to meet a machine's bad moments, and nothing
	// beside what one router costs.
	pulseInterval = 200 * time.Millisecond
	// pulseSlot is one of the pieces of pulseMemory.
	pulseSlot   = 10 * time.Second
	pulseMemory = 5 * time.Minute
)

// Pulse measures how late this machine wakes a thread that is in the same position as the one from which adverts
// leave: whether a router could be in time, before there is one, and while it is a backup.
type Pulse struct {
	mu   sync.Mutex
	late jitter
}

// Run measures until the context ends.
func (p *Pulse) Run(ctx context.Context) error {
	// Where it is refused the machines' thread has none, either, and the engine has said so.
	return inRealtime(realtimeMachines, func(error) {}, func() error {
		p.beat(ctx)
		return nil
	})
}

func (p *Pulse) beat(ctx context.Context) {
	for ctx.Err() == nil {
		due := monotonic() + pulseInterval
		for now := monotonic(); now < due; now = monotonic() {
			wait := unix.NsecToTimespec(int64(due - now))
			_ = unix.ClockNanosleep(unix.CLOCK_BOOTTIME, 0, &wait, nil) // a signal may end it early
		}
		now := monotonic()
		p.mu.Lock()
		p.late.observe(now, now-due)
		p.mu.Unlock()
	}
}

// Jitter is how late a wake-up was at most in the last five minutes; 0 before the first.
func (p *Pulse) Jitter() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late.worst(monotonic())
}

// Doubts reports an interval at which this machine, as it was lately, might be missed: an advert that is late by
// two intervals is, and half of that leaves no room for worse.
func (p *Pulse) Doubts(v spec.VRRPInstance) spec.FieldErrors { return doubts(v, p.Jitter()) }

func doubts(v spec.VRRPInstance, late time.Duration) spec.FieldErrors {
	interval := v.AdvertisementInterval.Std()
	if late < interval {
		return nil
	}
	enough := 10 * time.Millisecond
	for step := 0; enough <= late; step++ {
		enough = enough * []time.Duration{2, 5, 2}[step%3] / []time.Duration{1, 2, 1}[step%3] // 10, 20, 50, 100, ...
	}
	return spec.FieldErrors{{Pointer: "/advertisement_interval", Detail: fmt.Sprintf(
		"this director has woken up to %s late in the last %s, and others take over after three intervals without an advert: under such a load the role may change hands at %s; use at least %s",
		late.Round(100*time.Microsecond), spec.Duration(pulseMemory), v.AdvertisementInterval, spec.Duration(enough))}}
}

// jitter is the worst of the last while, in pieces that are forgotten one by one.
type jitter struct {
	slots [pulseMemory / pulseSlot]struct {
		of    time.Duration // when the piece began
		worst time.Duration
	}
}

func (j *jitter) observe(at, late time.Duration) {
	of := at.Truncate(pulseSlot)
	slot := &j.slots[of/pulseSlot%time.Duration(len(j.slots))]
	if slot.of != of {
		slot.of, slot.worst = of, 0
	}
	slot.worst = max(slot.worst, late)
}

func (j *jitter) worst(now time.Duration) (worst time.Duration) {
	for _, slot := range j.slots {
		if now-slot.of <= pulseMemory {
			worst = max(worst, slot.worst)
		}
	}
	return worst
}
