package vrrp

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// loop is the thread on which all machines run. It waits in one blocking system call, because Go's own
// timers and its network poller run on whatever thread the runtime has, and this one is to be in time.
// It takes no lock that another goroutine holds for longer than an append, and never logs, writes or
// talks to the kernel about addresses.
type loop struct {
	holder   *holder
	notes    chan<- note
	lateness *lateness

	wakeFD int
	mu     sync.Mutex
	posted []func()
	// done is closed when run has returned.
	done chan struct{}

	ports    []*port
	routers  []*router
	groups   groups
	machines []*Machine // of the group that is looked at
	stopping bool
	now      time.Duration // reading of the clock in this round
	heard    time.Duration // and of the last one in which adverts were read
	crowded  bool          // the last two such rounds followed closely
	polls    []unix.PollFd
	in       []byte
	room     []netip.Addr // for the addresses of the advert at hand
	out      []byte
}

// note is a log line that is written elsewhere. transition: the state of an instance changed.
type note struct {
	log        *slog.Logger
	level      slog.Level
	message    string
	attrs      []slog.Attr
	transition bool
}

func newLoop(h *holder, notes chan<- note, late *lateness) (*loop, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an eventfd: %w", err)
	}
	return &loop{holder: h, notes: notes, lateness: late, wakeFD: fd, done: make(chan struct{}), groups: groups{}, in: make([]byte, 1<<16), out: make([]byte, 0, 2048)}, nil
}

// note hands a log line over. A full queue loses it: adverts matter more.
func (l *loop) note(n note) {
	select {
	case l.notes <- n:
	default:
	}
}

// post has f called on the thread, in order.
func (l *loop) post(f func()) {
	l.mu.Lock()
	l.posted = append(l.posted, f)
	l.mu.Unlock()
	// EAGAIN: the counter is full, so the thread is being woken anyway.
	_, _ = unix.Write(l.wakeFD, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// flush waits until all that was posted is done, or the thread has ended.
func (l *loop) flush() {
	reached := make(chan struct{})
	l.post(func() { close(reached) })
	select {
	case <-reached:
	case <-l.done:
	}
}

// run owns its thread until stop was posted and the last machine has let go. refused is told when the
// kernel does not give real-time priority.
func (l *loop) run(refused func(error)) error {
	// Never unlocked: the thread, with its priority, ends with the goroutine.
	runtime.LockOSThread()
	defer close(l.done)
	if err := askForRealtime(); err != nil {
		refused(err)
	}
	for !l.finished() {
		readable, err := l.wait()
		if err != nil {
			return err
		}
		l.round(readable)
	}
	return nil
}

// round: first what others say, then what time says, then what we are told. A due timer is acted on
// only when everything that waits was read, because a thread that wakes late may find the advert that
// would have moved the timer.
func (l *loop) round(readable func(*port) bool) {
	l.now = monotonic()
	heard := false
	for _, p := range l.ports {
		if readable(p) || p.due(l.now) {
			heard = p.drain(l) || heard
		}
	}
	if heard {
		l.crowded = l.now-l.heard < crowdGap
		l.heard = l.now
	}
	l.now = monotonic()
	if l.timers(0) {
		l.timers(goAlong)
	}
	if l.polls[0].Revents == 0 {
		return // nobody posted anything
	}
	for _, f := range l.take() {
		f()
	}
}

const (
	// goAlong is the share of its interval by which an advert may leave early, along with one that is due.
	// The thread then wakes so many times in an interval, at most, however many routers there are. For
	// those who hear it an early advert is as good as one in time, and the next is due when it was.
	goAlong = 16
	// A crowd is heard in batches: so much of the shortest interval passes, at least, between one look at
	// the sockets and the next, and at most longestRest. It is the time by which routers whose priorities
	// are next to one another differ in taking over (RFC 9568 §6.1).
	restShare   = 256
	longestRest = time.Millisecond
	// crowdGap tells a crowd: adverts follow one another that closely.
	crowdGap = 4 * longestRest
)

// timers steps the routers whose time has come, or, for share > 0, the active ones whose time comes in that
// share of their interval. It reports whether an advert was sent.
func (l *loop) timers(share time.Duration) (sent bool) {
	for _, r := range l.routers {
		deadline, pending := r.machine.Deadline()
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

// wait blocks until a deadline, a datagram or a command.
func (l *loop) wait() (readable func(*port) bool, err error) {
	l.polls = append(l.polls[:0], unix.PollFd{Fd: int32(l.wakeFD), Events: unix.POLLIN})
	timeout, found := l.timeout()
	if rest := l.heard + l.rest() - monotonic(); l.crowded && rest > 0 {
		// A command or a deadline ends the rest.
		if found {
			rest = min(rest, timeout)
		}
		if err := ppoll(l.polls, rest); err != nil {
			return nil, err
		}
		timeout, found = l.timeout()
	}
	for _, p := range l.ports {
		l.polls = append(l.polls, unix.PollFd{Fd: int32(p.conn.FD()), Events: unix.POLLIN})
	}
	if !found {
		timeout = forever
	}
	if err := ppoll(l.polls, timeout); err != nil {
		return nil, err
	}
	return func(p *port) bool {
		i := slices.Index(l.ports, p)
		return i >= 0 && l.polls[i+1].Revents != 0
	}, nil
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

// timeout is the time to the next deadline, if there is one.
func (l *loop) timeout() (_ time.Duration, found bool) {
	var next time.Duration
	for _, r := range l.routers {
		if deadline, pending := r.machine.Deadline(); pending && (!found || deadline < next) {
			next, found = deadline, true
		}
	}
	return max(next-monotonic(), 0), found
}

// rest is how long the sockets of a crowd are left alone.
func (l *loop) rest() time.Duration {
	rest := longestRest
	for _, r := range l.routers {
		rest = min(rest, r.machine.Parameters().Interval/restShare)
	}
	return rest
}

// take returns what was posted.
func (l *loop) take() []func() {
	var counter [8]byte
	_, _ = unix.Read(l.wakeFD, counter[:]) // EAGAIN: nobody woke us
	l.mu.Lock()
	defer l.mu.Unlock()
	posted := l.posted
	l.posted = nil
	return posted
}

// stop makes every router hand over, after which run returns. It is called on the thread.
func (l *loop) stop() {
	l.stopping = true
	for _, r := range l.routers {
		r.reason = ""
		r.step(l, monotonic(), HandOver{})
	}
}

func (l *loop) finished() bool {
	if !l.stopping {
		return false
	}
	return !slices.ContainsFunc(l.routers, func(r *router) bool {
		_, pending := r.machine.Deadline()
		return pending || r.machine.State() != spec.InstanceInitialize
	})
}

// close returns what newLoop got. Only after done.
func (l *loop) close() error { return unix.Close(l.wakeFD) }
