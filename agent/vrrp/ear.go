package vrrp

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// ear is the thread that hears adverts. What is wrong with a datagram is found out and counted here, so that
// a flood of them costs this thread alone; what is right goes to the machines' thread.
type ear struct {
	*commands
	notes
	machines *loop

	ports   []*port
	stopped bool
	heard   time.Duration // reading of the clock in the last round in which something was
	crowded bool          // the last two such rounds followed closely
	polls   []unix.PollFd
}

func newEar(machines *loop) (*ear, error) {
	c, err := newCommands()
	if err != nil {
		return nil, err
	}
	return &ear{commands: c, notes: machines.notes, machines: machines}, nil
}

// run owns its thread until a command sets stopped. refused is told when the kernel does not give real-time
// priority.
func (e *ear) run(refused func(error)) error {
	defer close(e.done)
	return inRealtime(realtimeEar, refused, e.work)
}

func (e *ear) work() error {
	for !e.stopped {
		readable, err := e.wait()
		if err != nil {
			return err
		}
		e.round(readable)
		e.obey()
	}
	return nil
}

// round takes in what waits, and wakes the machines' thread once for all of it.
func (e *ear) round(readable func(*port) bool) {
	now := monotonic()
	heard, news := false, false
	for _, p := range e.ports {
		if readable(p) {
			h, n := p.listen(e.notes, now)
			heard, news = heard || h, news || n
		}
	}
	if heard {
		e.crowded = now-e.heard < crowdGap
		e.heard = now
	}
	if news {
		e.machines.wake()
	}
}

const (
	// A crowd is heard in batches: so much of the shortest interval passes, at least, between one look at
	// the sockets and the next, and at most longestRest. It is the time by which routers whose priorities
	// are next to one another differ in taking over (RFC 9568 §6.1).
	restShare   = 256
	longestRest = time.Millisecond
	// crowdGap tells a crowd: adverts follow one another that closely.
	crowdGap = 4 * longestRest
)

// wait blocks until a datagram or a command.
func (e *ear) wait() (readable func(*port) bool, err error) {
	e.polls = append(e.polls[:0], unix.PollFd{Fd: int32(e.fd), Events: unix.POLLIN})
	if rest := e.heard + e.machines.rest() - monotonic(); e.crowded && rest > 0 {
		// A command ends the rest.
		if err := ppoll(e.polls, rest); err != nil {
			return nil, err
		}
	}
	for _, p := range e.ports {
		e.polls = append(e.polls, unix.PollFd{Fd: int32(p.conn.FD()), Events: unix.POLLIN})
	}
	if err := ppoll(e.polls, forever); err != nil {
		return nil, err
	}
	if e.polls[0].Revents != 0 {
		e.clear()
	}
	return func(p *port) bool {
		i := slices.Index(e.ports, p)
		return e.polls[i+1].Revents != 0
	}, nil
}

// attend listens to a port from now on.
func (e *ear) attend(p *port) {
	e.post(func() { e.ports = append(e.ports, p) })
}

// ignore does not listen to a port any more, once it returns.
func (e *ear) ignore(p *port) {
	e.post(func() { e.ports = slices.DeleteFunc(e.ports, func(o *port) bool { return o == p }) })
	e.flush()
}

// stop ends run.
func (e *ear) stop() {
	e.post(func() { e.stopped = true })
}
