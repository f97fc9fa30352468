package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// EchoServer is a server on a host that answers every line with itself.
type EchoServer struct {
	listener net.Listener
}

// ListenEcho opens the port of an echo server on the host: connections are answered while Run runs.
func (h *Host) ListenEcho(ctx context.Context, at netip.AddrPort) (*EchoServer, error) {
	l, err := h.Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s of %s: %w", at, h.name, err)
	}
	return &EchoServer{listener: l}, nil
}

// Run answers until the context ends, then closes the port and every connection.
func (s *EchoServer) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		c, err := s.listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve on %s: %w", s.listener.Addr(), err)
		}
		serving.Go(func() {
			end := context.AfterFunc(ctx, func() { _ = c.Close() })
			defer end()
			defer func() { _ = c.Close() }()
			_, _ = io.Copy(c, c) // a client that breaks off is the client's business
		})
	}
}

// Connections are connections to an echo server, on each of which a line goes back and forth every second. One
// that breaks is not made again.
type Connections struct {
	stop    context.CancelFunc
	talking sync.WaitGroup

	mu      sync.Mutex
	failed  []error
	answers []int // by connection
}

// linePatience is how long an answer may take: the service may move meanwhile, and TCP asks again.
const linePatience = 30 * time.Second

// Connect makes n connections from the host and begins to talk on them. They are closed by Close.
func (h *Host) Connect(ctx context.Context, to netip.AddrPort, n int) (*Connections, error) {
	talk, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Connections{stop: stop, answers: make([]int, n)}
	for i := range n {
		conn, err := h.DialContext(ctx, "tcp", to.String())
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
		c.talking.Go(func() {
			defer func() { _ = conn.Close() }()
			if err := c.talk(talk, conn, i); err != nil {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.failed = append(c.failed, fmt.Errorf("connection %d: %w", i, err))
			}
		})
	}
	return c, nil
}

// Close ends the connections, those that have broken, too.
func (c *Connections) Close() {
	c.stop()
	c.talking.Wait()
}

// WaitForAnswers returns when every connection has had an answer to a line that it sent from now on. An error says
// which have broken, or that the context has ended.
func (c *Connections) WaitForAnswers(ctx context.Context) error {
	before, _ := c.progress()
	for {
		now, err := c.progress()
		if err != nil {
			return err
		}
		// The answer under way may be to a line from before: the second is not.
		waiting := 0
		for i := range now {
			if now[i] < before[i]+2 {
				waiting++
			}
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d connections wait for an answer: %w", waiting, len(now), context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// progress returns how many answers each connection has had, or which have broken.
func (c *Connections) progress() (answers []int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) > 0 {
		err = fmt.Errorf("%d of %d connections broke: %w", len(c.failed), len(c.answers), errors.Join(c.failed...))
	}
	return append([]int(nil), c.answers...), err
}

func (c *Connections) talk(ctx context.Context, conn net.Conn, i int) error {
	answers := bufio.NewReader(conn)
	for n := 0; ; n++ {
		if err := conn.SetDeadline(time.Now().Add(linePatience)); err != nil {
			return err
		}
		line := fmt.Sprintf("%d %d\n", i, n)
		if _, err := io.WriteString(conn, line); err != nil {
			return err
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			return err
		}
		if answer != line {
			return fmt.Errorf("%q was answered %q", line, answer)
		}
		c.mu.Lock()
		c.answers[i]++
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}
