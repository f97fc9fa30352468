package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Probe is a client that asks a web server who it is, again and again, each time on a new connection
// and without waiting for the answers before. It measures how long a service was away.
type Probe struct {
	host   *Host
	target netip.AddrPort
	every  time.Duration

	mu       sync.Mutex
	last     time.Time // of the last answer
	gap      time.Duration
	answers  map[string]int
	failures int
	changed  chan struct{} // closed at the next answer
}

// How long a request waits for its answer. It is less than the kernel's first retransmission of a
// SYN takes (1 s, RFC 6298 §2), so an answer is one to a request made when the service was there.
const probeTimeout = 900 * time.Millisecond

// NewProbe returns a probe that asks from the host. A gap is measured as exactly as `every` says. A
// guest has no time for more than 50 requests a second.
func (h *Host) NewProbe(target netip.AddrPort, every time.Duration) *Probe {
	return &Probe{host: h, target: target, every: every, answers: map[string]int{}, changed: make(chan struct{})}
}

// Run asks until the context ends. The error is one of the probe's own: that nobody answers is a
// result.
func (p *Probe) Run(ctx context.Context) error {
	var requests sync.WaitGroup
	defer requests.Wait()
	// A socket belongs to the namespace of the thread that opens it; whoever uses it may be anywhere.
	return p.host.Do(func() error {
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			socket, err := startConnecting(p.target)
			if err != nil && !isUnreachable(err) {
				return fmt.Errorf("probe %s from %s: %w", p.target, p.host.name, err)
			}
			if err != nil {
				p.failed()
			} else {
				requests.Go(func() { p.request(socket) })
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	})
}

// Gap returns the longest time between two answers, one after the other. An outage that has not ended
// is not in it.
func (p *Probe) Gap() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gap
}

// Answers returns how often each server has answered.
func (p *Probe) Answers() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.answers)
}

// Failures returns how many requests had no answer. Those under way are not counted yet.
func (p *Probe) Failures() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures
}

// Reset forgets all but the time of the last answer, so that the next gap begins there.
func (p *Probe) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap, p.failures = 0, 0
	clear(p.answers)
}

// WaitForAnswers returns when n more answers have come.
func (p *Probe) WaitForAnswers(ctx context.Context, n int) error {
	for range n {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer of %s: %w", p.target, context.Cause(ctx))
		}
	}
	return nil
}

func (p *Probe) answered(by string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Answers may overtake one another on their way to here.
	if !p.last.IsZero() {
		p.gap = max(p.gap, at.Sub(p.last))
	}
	if at.After(p.last) {
		p.last = at
	}
	p.answers[by]++
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Probe) failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures++
}

func (p *Probe) request(socket int) {
	by, err := ask(socket, p.target)
	if err != nil {
		p.failed()
		return
	}
	p.answered(by, time.Now())
}

// startConnecting returns a socket whose connection is under way.
func startConnecting(to netip.AddrPort) (socket int, err error) {
	family := unix.AF_INET6
	var address unix.Sockaddr = &unix.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port())}
	if to.Addr().Is4() {
		family = unix.AF_INET
		address = &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
	}
	socket, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(socket, address); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(socket)
		return -1, os.NewSyscallError("connect", err)
	}
	return socket, nil
}

// isUnreachable tells whether connecting failed for what is out there and not for what is here.
func isUnreachable(err error) bool {
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) ||
		errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENETDOWN)
}

// ask sends a request on a socket that is connecting, and returns the name in the answer. It closes
// the socket.
func ask(socket int, target netip.AddrPort) (name string, err error) {
	// A file knows how to wait on any descriptor that can be polled; net has no way to take over a
	// connection that is not there yet.
	conn := os.NewFile(uintptr(socket), target.String())
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return "", err
	}
	if err := waitConnected(conn); err != nil {
		return "", err
	}
	// HTTP/1.0: the server closes after the answer.
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", target); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if err != nil {
		return "", err
	}
	head, body, ok := strings.Cut(string(answer), "\r\n\r\n")
	if !ok || !strings.Contains(head, " 200 ") {
		return "", fmt.Errorf("%s answered %q", target, answer)
	}
	return strings.TrimSpace(body), nil
}

// bytes of an answer; a name and HTTP's head
const maxAnswer = 4096

// waitConnected returns when the connection is there or has failed.
func waitConnected(conn *os.File) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Write(func(fd uintptr) (done bool) {
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			failure = os.NewSyscallError("getsockopt", err)
			return true
		}
		if code != 0 {
			failure = os.NewSyscallError("connect", unix.Errno(code))
			return true
		}
		_, err = unix.Getpeername(int(fd))
		return err == nil // ENOTCONN: not yet
	})
	return errors.Join(err, failure)
}
