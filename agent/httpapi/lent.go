package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// lent is a listener that a server closes for itself alone: it accepts nothing more, and the socket goes on to collect
// connections.
type lent struct {
	net.Listener
	deadline func(time.Time) error
	closed   *atomic.Bool
}

func newLent(l net.Listener) (lent, error) {
	d, ok := l.(interface{ SetDeadline(time.Time) error }) // TCP and unix sockets are
	if !ok {
		return lent{}, fmt.Errorf("a %T has no deadline", l)
	}
	return lent{l, d.SetDeadline, new(atomic.Bool)}, d.SetDeadline(time.Time{})
}

// Accept returns net.ErrClosed after Close.
func (l lent) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && l.closed.Load() {
		return nil, net.ErrClosed
	}
	return conn, err
}

// Close has Accept return.
func (l lent) Close() error {
	l.closed.Store(true)
	return l.deadline(time.Unix(1, 0))
}

// owed knows the connections on which somebody waits for an answer, or is about to ask.
type owed struct {
	mu    sync.Mutex
	conns map[net.Conn]connection
}

type connection struct {
	state http.ConnState
	since time.Time
}

func newOwed() *owed { return &owed{conns: map[net.Conn]connection{}} }

// note is for http.Server.ConnState.
func (o *owed) note(conn net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if state == http.StateNew || state == http.StateActive {
		o.conns[conn] = connection{state, time.Now()}
		return
	}
	delete(o.conns, conn)
}

const (
	// newIsOwed is how long somebody who has connected is waited for that has said nothing yet.
	newIsOwed = time.Second
	// owedPoll is how often it is looked whether all is answered.
	owedPoll = 2 * time.Millisecond
)

// settle returns when nobody waits for an answer any more, or when the context ends.
func (o *owed) settle(ctx context.Context) {
	poll := time.NewTicker(owedPoll)
	defer poll.Stop()
	for o.any() {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

func (o *owed) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		if c.state == http.StateActive || time.Since(c.since) < newIsOwed {
			return true
		}
	}
	return false
}
