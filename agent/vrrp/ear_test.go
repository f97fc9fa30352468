package vrrp

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// hearingLoop is a crowd with the ear that belongs to it.
func hearingLoop(t *testing.T, interval time.Duration, due ...time.Duration) (l *loop, e *ear, listener Conn) {
	t.Helper()
	l, listener = crowd(t, interval, due...)
	e, err := newEar(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	})
	e.ports = l.ports
	return l, e, listener
}

func everybody(*port) bool { return true }

func TestEar_ACrowdIsHeardInBatches(t *testing.T) {
	t.Parallel()
	l, _ := crowd(t, 100*ms, 50*ms, 60*ms)
	l.setRest()
	if got, want := l.rest(), 100*ms/restShare; got != want {
		t.Errorf("rests for %s, want %s", got, want)
	}
	l, _ = crowd(t, 40*time.Second, time.Second)
	l.setRest()
	if got := l.rest(); got != longestRest {
		t.Errorf("rests for %s, want %s", got, longestRest)
	}
	for _, c := range []struct {
		name    string
		gap     time.Duration
		crowded bool
	}{
		{"one after the other", ms, true},
		{"far between", time.Second, false},
	} {
		_, e, listener := hearingLoop(t, 100*ms, time.Second)
		e.heard = monotonic() - c.gap
		if err := listener.Send([]byte("not even an advert")); err != nil {
			t.Fatal(err)
		}
		e.round(everybody)
		if e.crowded != c.crowded {
			t.Errorf("datagrams %s: a crowd: %t", c.name, e.crowded)
		}
	}
}

// waiting is a backup whose deadline has come, with so much garbage before an advert in its socket that moves
// it. Nobody has read any of it.
func waiting(t *testing.T, garbage int) (l *loop, e *ear, r *router) {
	t.Helper()
	const interval = time.Second
	l, e, other := hearingLoop(t, interval, time.Hour)
	r = l.routers[0]
	r.machine = NewMachine(r.machine.Parameters())
	r.machine.Step(monotonic()-ActiveDownInterval(100, interval)-ms, Startup{})
	for range garbage {
		if err := other.Send([]byte("not even an advert")); err != nil {
			t.Fatal(err)
		}
	}
	p := Packet{Version: Version3, VirtualRouterID: r.vrid, Priority: 150, Interval: interval, Addresses: r.addresses}
	if err := other.Send(datagramFrom(addr("192.0.2.12"), p)); err != nil {
		t.Fatal(err)
	}
	return l, e, r
}

// The ear may not have been scheduled when the time has come.
func TestLoop_74_NobodyActsOnSilenceWhileAnAdvertWaits(t *testing.T) {
	t.Parallel()
	for _, garbage := range []int{0, drainAtMost} {
		l, _, r := waiting(t, garbage)
		for again := true; again; again = l.again {
			l.round()
		}
		if got := r.machine.State(); got != spec.InstanceBackup || r.received.Load() != 1 {
			t.Errorf("after %d others: %s, with %d adverts heard", garbage, got, r.received.Load())
		}
	}
}

// The ear may have been put off between reading an advert and handing it over.
func TestLoop_74_NobodyActsOnSilenceWhileTheEarReads(t *testing.T) {
	t.Parallel()
	l, e, r := waiting(t, 0)
	p := l.ports[0]
	p.mu.Lock()
	l.round()
	if got := r.machine.State(); got != spec.InstanceBackup {
		t.Errorf("in state %s while somebody reads", got)
	}
	if got := l.timeout(); got <= 0 && got != forever {
		t.Errorf("waits for %s, but the ear is to wake it", got)
	}
	p.mu.Unlock()
	e.round(everybody)
	if err := l.wait(); err != nil { // or the test never ends
		t.Fatal(err)
	}
	l.round()
	if got := r.machine.State(); got != spec.InstanceBackup || r.received.Load() != 1 {
		t.Errorf("%s, with %d adverts heard", got, r.received.Load())
	}
}

// The ear wakes whoever waited for it, also when it has heard nothing.
func TestLoop_47_SilenceIsActedOnWhenTheEarIsDone(t *testing.T) {
	t.Parallel()
	l, e, r := waiting(t, 0)
	p := l.ports[0]
	buf := make([]byte, 2048)
	if n, err := p.conn.Receive(buf); n == 0 || err != nil {
		t.Fatalf("the advert is not there: %v", err)
	}
	p.mu.Lock()
	l.round()
	p.mu.Unlock()
	e.round(everybody)
	if err := l.wait(); err != nil { // or the test never ends
		t.Fatal(err)
	}
	l.round()
	if got := r.machine.State(); got != spec.InstanceActive {
		t.Errorf("in state %s after silence", got)
	}
}

// endless is a connection from which garbage comes without end.
type endless struct {
	Conn
	datagram []byte
}

func (e endless) Receive(buf []byte) (int, error) { return copy(buf, e.datagram), nil }

func TestLoop_AFloodDelaysATakeoverButDoesNotPreventIt(t *testing.T) {
	t.Parallel()
	l, _, r := waiting(t, 0)
	l.ports[0].conn = endless{l.ports[0].conn, []byte("not even an advert")}
	rounds := 0
	for again := true; again; again = l.again {
		l.round()
		rounds++
	}
	if got, want := rounds, socketful/drainAtMost; got != want {
		t.Errorf("took over after %d rounds, want %d", got, want)
	}
	if got := r.machine.State(); got != spec.InstanceActive {
		t.Errorf("in state %s", got)
	}
}

func TestEar_AFloodForOneRouterCostsNoOtherItsAdverts(t *testing.T) {
	t.Parallel()
	l, e, other := hearingLoop(t, time.Second, time.Hour, time.Hour)
	send := func(vrid uint8, source string) {
		t.Helper()
		p := Packet{Version: Version3, VirtualRouterID: vrid, Priority: 1, Interval: time.Second, Addresses: l.routers[0].addresses}
		if err := other.Send(datagramFrom(addr(source), p)); err != nil {
			t.Fatal(err)
		}
	}
	const senders = 2 * mailboxSize
	for i := range senders {
		send(1, fmt.Sprintf("192.0.2.%d", 100+i))
	}
	send(2, "192.0.2.12")
	e.round(everybody)
	l.round()
	for i, want := range []uint64{mailboxSize, 1} {
		if got := l.routers[i].received.Load(); got != want {
			t.Errorf("router %d took %d adverts, want %d", i+1, got, want)
		}
	}
	if diff := cmp.Diff(map[string]uint64{"backlog": senders - mailboxSize}, l.routers[0].drops.counts()); diff != "" {
		t.Error(diff)
	}
}

func TestCommands_ThePostersLockIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	c, err := newCommands()
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	c.post(func() { done++ })
	c.mu.Lock() // somebody who posts was put off by the scheduler
	c.obey()
	c.mu.Unlock()
	if done > 0 {
		t.Error("the lock was not looked at")
	}
	c.obey()
	if done != 1 {
		t.Errorf("done %d times", done)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

// woken reports whether the machines' thread was woken.
func woken(t *testing.T, l *loop) bool {
	t.Helper()
	polls := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}}
	if err := ppoll(polls, 0); err != nil {
		t.Fatal(err)
	}
	l.clear()
	return polls[0].Revents != 0
}

// A backup of many routers would otherwise be woken by every advert only to wait on.
func TestEar_WhatTheActiveRouterRepeatsWakesNobody(t *testing.T) {
	t.Parallel()
	l, e, r := waiting(t, 0)
	p := l.ports[0]
	advert := Packet{Version: Version3, VirtualRouterID: r.vrid, Priority: 150, Interval: time.Second, Addresses: r.addresses}
	hear := func(at time.Duration) {
		p.mu.Lock()
		p.take(l.notes, at, datagramFrom(addr("192.0.2.12"), advert))
		p.mu.Unlock()
		e.round(everybody)
	}
	e.round(everybody)
	if !woken(t, l) {
		t.Error("the first advert woke nobody")
	}
	l.round()
	before, _ := r.machine.Deadline()

	hear(before - 10*ms)
	if woken(t, l) {
		t.Error("its repetition woke somebody")
	}
	if got, _ := r.machine.Deadline(); got != before {
		t.Errorf("the deadline is %s later already", got-before)
	}
	l.now = before
	l.hear()
	if got, _ := r.machine.Deadline(); got != before-10*ms+r.machine.Parameters().ActiveDownInterval(time.Second) {
		t.Errorf("the deadline is %s later, which is not what the time of the advert makes it", got-before)
	}

	for _, priority := range []uint8{140, 0} {
		advert.Priority = priority
		hear(before)
		if !woken(t, l) {
			t.Errorf("priority %d woke nobody", priority)
		}
		l.hear()
	}
	hear(before)
	if !woken(t, l) {
		t.Error("nobody is woken although nobody is followed")
	}
}
