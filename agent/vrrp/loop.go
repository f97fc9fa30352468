package vrrp

import (
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// loop is the thread on which all machines run and from which adverts leave. It waits in one blocking system
// call, because Go's own timers and its network poller run on whatever thread the runtime has, and this one is
// to be in time. It waits for no lock of another goroutine's, and never logs, writes or talks to the kernel
// about addresses. What is heard is the ear's work.
type loop struct {
	*commands
	notes
	holder   *holder
	lateness *lateness

	ports    []*port
	routers  []*router
	groups   groups
	machines []*Machine // of the group that is looked at
	stopping bool
	// suspended: nothing is heard, said or decided.
	suspended bool
	// failure is why the thread had to stop.
	failure error
	// restFor is what rest returns.
	restFor atomic.Int64
	now     time.Duration // reading of the clock in this round
	mail    []letter
	again   bool // there is more to be read before the next wait
	polls   []unix.PollFd
	out     []byte
}

// note is a log line that is written elsewhere. transition: the state of an instance changed.
type note struct {
	log        *slog.Logger
	level      slog.Level
	message    string
	attrs      []slog.Attr
	transition bool
	// events are told of along with the line.
	events []spec.Event
}

// notes is the queue of what is to be written.
type notes struct {
	queue chan<- note
	// lost counts the events that found the queue full.
	lost *atomic.Uint64
}

func newNotes(queue chan<- note) notes { return notes{queue, new(atomic.Uint64)} }

// note hands a log line over. A full queue loses it: adverts matter more.
func (q notes) note(n note) {
	select {
	case q.queue <- n:
	default:
		q.lost.Add(uint64(len(n.events)))
	}
}

func newLoop(h *holder, ns notes, late *lateness) (*loop, error) {
	c, err := newCommands()
	if err != nil {
		return nil, err
	}
	return &loop{commands: c, notes: ns, holder: h, lateness: late, groups: groups{}, out: make([]byte, 0, 2048)}, nil
}

// run owns its thread until stop was posted and the last machine has let go. refused is told when the
// kernel does not give real-time priority.
func (l *loop) run(refused func(error)) error {
	defer close(l.done)
	return inRealtime(realtimeMachines, refused, l.work)
}

func (l *loop) work() error {
	for !l.finished() {
		if err := l.wait(); err != nil {
			return err
		}
		l.round()
		l.obey()
	}
	return l.failure
}

// round: first what others say, then what time says. Nobody acts on silence before everything that waits was
// read, because a thread that wakes late may find the advert that would have moved the timer.
func (l *loop) round() {
	l.now = monotonic()
	if l.suspended {
		for _, r := range l.routers {
			r.repeat(l)
		}
		return
	}
	l.hear()
	if l.timers(0) {
		l.timers(goAlong)
	}
}

// hear tells the machines what was heard.
func (l *loop) hear() {
	l.mail, l.again = l.mail[:0], false
	for _, p := range l.ports {
		again := false
		l.mail, again = p.collect(l.notes, l.now, l.mail)
		l.again = l.again || again
	}
	for _, m := range l.mail {
		m.to.step(l, m.advert.at, m.advert.Advert)
	}
}

// goAlong is the share of its interval by which an advert may leave early, along with one that is due.
// The thread then wakes so many times in an interval, at most, however many routers there are. For
// those who hear it an early advert is as good as one in time, and the next is due when it was.
const goAlong = 16

// timers steps the routers whose time has come, or, for share > 0, the active ones whose time comes in that
// share of their interval. It reports whether an advert was sent.
func (l *loop) timers(share time.Duration) (sent bool) {
	for _, r := range l.routers {
		deadline, pending := r.deadline(l.now)
		if !pending {
			continue
		}
		now := l.now
		if share > 0 && r.machine.State() == spec.InstanceActive {
			now = max(now, min(deadline, now+r.machine.Parameters().Interval/share))
		}
		if deadline > now {
			continue
		}
		before := r.sent.Load()
		r.step(l, now, Timer{})
		if r.sent.Load() != before {
			l.lateness.observe(max(monotonic()-deadline, 0))
			sent = true
		}
	}
	return sent
}

// wait blocks until a deadline, news from the ear or a command.
func (l *loop) wait() error {
	timeout := l.timeout()
	if l.again && !l.suspended {
		timeout = 0
	}
	l.polls = append(l.polls[:0], unix.PollFd{Fd: int32(l.fd), Events: unix.POLLIN})
	err := ppoll(l.polls, timeout)
	if l.polls[0].Revents != 0 {
		l.clear()
	}
	return err
}

const forever = -1

func ppoll(fds []unix.PollFd, timeout time.Duration) error {
	var ts *unix.Timespec
	if timeout != forever {
		t := unix.NsecToTimespec(int64(timeout))
		ts = &t
	}
	if _, err := unix.Ppoll(fds, ts, nil); err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for adverts: %w", err)
	}
	return nil
}

// timeout is the time to the next deadline, or forever.
func (l *loop) timeout() time.Duration {
	now := monotonic()
	var next time.Duration
	found := false
	for _, r := range l.routers {
		deadline, pending := r.deadline(l.now)
		if l.suspended {
			deadline, pending = r.relay.due, !r.relay.over
		}
		if pending && (!found || deadline < next) {
			next, found = deadline, true
		}
	}
	if !found {
		return forever
	}
	return max(next-now, 0)
}

// rest is how long the sockets of a crowd are left alone. It may be asked for on any thread.
func (l *loop) rest() time.Duration { return time.Duration(l.restFor.Load()) }

// setRest works out rest. It is called when routers or their intervals have changed.
func (l *loop) setRest() {
	rest := longestRest
	for _, r := range l.routers {
		rest = min(rest, r.machine.Parameters().Interval/restShare)
	}
	l.restFor.Store(int64(rest))
}

// stop makes every router hand over, after which run returns. It is called on the thread.
func (l *loop) stop() {
	l.stopping = true
	for _, r := range l.routers {
		r.reason = ""
		r.step(l, monotonic(), HandOver{})
	}
}

// leave ends a thread that is suspended, without a word to the others. It is called on the thread.
func (l *loop) leave() { l.stopping = true }

func (l *loop) finished() bool {
	switch {
	case !l.stopping:
		return false
	case l.suspended:
		return true
	}
	return !slices.ContainsFunc(l.routers, func(r *router) bool {
		_, pending := r.machine.Deadline()
		return pending || r.machine.State() != spec.InstanceInitialize
	})
}
