package vrrp

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// commands is how other goroutines have something done on a thread that waits in a blocking system call of
// its own. Nothing here makes the thread wait for one of them: they may have been put off by the scheduler at
// any point.
type commands struct {
	// fd is readable when the thread is to look up.
	fd     int
	mu     sync.Mutex
	posted []func()
	// done is closed when the thread has ended.
	done chan struct{}
}

func newCommands() (*commands, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an eventfd: %w", err)
	}
	return &commands{fd: fd, done: make(chan struct{})}, nil
}

// post has f called on the thread, in order.
func (c *commands) post(f func()) {
	c.mu.Lock()
	c.posted = append(c.posted, f)
	c.mu.Unlock()
	c.wake()
}

// wake has the thread look up.
func (c *commands) wake() {
	// EAGAIN: the counter is full, so the thread is being woken anyway.
	_, _ = unix.Write(c.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// flush waits until all that was posted is done, or the thread has ended.
func (c *commands) flush() {
	reached := make(chan struct{})
	c.post(func() { close(reached) })
	select {
	case <-reached:
	case <-c.done:
	}
}

// clear ends that the thread is to look up. It does so before it looks, or it would miss what comes while it does.
func (c *commands) clear() {
	var counter [8]byte
	_, _ = unix.Read(c.fd, counter[:]) // EAGAIN: nobody woke us
}

// obey does what was posted. It is called on the thread.
func (c *commands) obey() {
	if !c.mu.TryLock() {
		return // somebody is posting, and wakes us after that
	}
	posted := c.posted
	c.posted = nil
	c.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// close returns what newCommands got. Only after done.
func (c *commands) close() error { return unix.Close(c.fd) }
