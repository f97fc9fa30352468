package vrrp

import (
	"fmt"
	"log/slog"
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
	stopping bool
	now      time.Duration // reading of the clock in this round
	polls    []unix.PollFd
	in       []byte
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
	return &loop{holder: h, notes: notes, lateness: late, wakeFD: fd, done: make(chan struct{}), in: make([]byte, 1<<16), out: make([]byte, 0, 2048)}, nil
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
	for _, p := range l.ports {
		if readable(p) || p.due(l.now) {
			p.drain(l)
		}
	}
	l.now = monotonic()
	for _, r := range l.routers {
		if deadline, pending := r.machine.Deadline(); pending && deadline <= l.now {
			sent := r.sent.Load()
			r.step(l, l.now, Timer{})
			if r.sent.Load() != sent {
				l.lateness.observe(monotonic() - deadline)
			}
		}
	}
	for _, f := range l.take() {
		f()
	}
}

// wait blocks until a deadline, a datagram or a command.
func (l *loop) wait() (readable func(*port) bool, err error) {
	l.polls = append(l.polls[:0], unix.PollFd{Fd: int32(l.wakeFD), Events: unix.POLLIN})
	for _, p := range l.ports {
		l.polls = append(l.polls, unix.PollFd{Fd: int32(p.conn.FD()), Events: unix.POLLIN})
	}
	if _, err := unix.Ppoll(l.polls, l.timeout(), nil); err != nil && err != unix.EINTR {
		return nil, fmt.Errorf("wait for adverts: %w", err)
	}
	return func(p *port) bool {
		i := slices.Index(l.ports, p)
		return i >= 0 && l.polls[i+1].Revents != 0
	}, nil
}

// timeout is the time to the next deadline, or nil when there is none.
func (l *loop) timeout() *unix.Timespec {
	var next time.Duration
	found := false
	for _, r := range l.routers {
		if deadline, pending := r.machine.Deadline(); pending && (!found || deadline < next) {
			next, found = deadline, true
		}
	}
	if !found {
		return nil
	}
	ts := unix.NsecToTimespec(int64(max(next-monotonic(), 0)))
	return &ts
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
