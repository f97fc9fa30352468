package vrrp

import (
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// rounds is when a client's addresses are announced again. It is pure: it is told the time. Its zero
// value announces nothing.
type rounds struct {
	garp spec.GARP
	// due is when the next piece of a round goes out. Zero: never.
	due time.Time
	// left counts the rounds that are still to come, next the addresses that the current one has had.
	left, next int
	// refreshing: these are not the rounds that follow a first one.
	refreshing bool
}

// paceStep is the time that one piece of a round takes, unless the rate is too low for it.
const paceStep = 10 * time.Millisecond

// stall is how late nothing is, unless the process was stopped. Others may have taken over meanwhile, so a round that
// is as late is put off for as long again: then it is known whether there is still anything to announce.
const stall = 100 * time.Millisecond

// begin plans the rounds that follow a first one, which went out now.
func (r *rounds) begin(now time.Time, g spec.GARP) {
	*r = rounds{garp: g, due: now.Add(g.Delay.Std()), left: g.Repeat}
	if r.left == 0 {
		r.refresh(now)
	}
}

// refresh plans the next refreshing rounds, if there are to be any.
func (r *rounds) refresh(now time.Time) {
	*r = rounds{garp: r.garp, refreshing: true}
	if r.garp.Refresh > 0 {
		r.due, r.left = now.Add(r.garp.Refresh.Std()), r.garp.RefreshRepeat
	}
}

// adopt takes over other settings. What follows a first round goes on as it was planned, but for its pace.
func (r *rounds) adopt(now time.Time, g spec.GARP) {
	if r.garp == g {
		return
	}
	r.garp = g
	if r.due.IsZero() || r.refreshing {
		r.refresh(now)
	}
}

// take returns which of n addresses, from and up to, are to be announced now, and plans the next.
func (r *rounds) take(now time.Time, n int) (from, to int) {
	if r.due.IsZero() || now.Before(r.due) {
		return 0, 0
	}
	if now.Sub(r.due) > stall {
		r.due = now.Add(stall)
		return 0, 0
	}
	rate := max(r.garp.Rate, 1)
	piece := max(rate*int(paceStep)/int(time.Second), 1)
	from = min(r.next, n)
	to = min(from+piece, n)
	r.next = to
	r.due = now.Add(time.Duration(to-from) * time.Second / time.Duration(rate))
	if to == n {
		r.next = 0
		r.left--
	}
	if r.left <= 0 {
		r.refresh(now)
	}
	return from, to
}
