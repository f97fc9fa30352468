package check

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// firstEphemeral is the least port that Linux lets be one of those that it gives to connections, unless it is told that
// ordinary users may listen below (ip_local_port_range).
const firstEphemeral = 1024

// Connector makes TCP connections to see whether they are accepted, and closes them. Thousands a second are made
// so, and net.Dialer takes a goroutine, a timer and a dozen system calls for each. Here one goroutine begins all and
// hears from all: a connection takes four or five calls, and what comes together is heard together.
type Connector struct {
	epoll int
	// bell is an eventfd that Wake writes to.
	bell   *os.File
	events []unix.EpollEvent // that Wait works on

	mu sync.Mutex
	// attempts are the connections that have not been heard of, by their numbers. Numbers are not used again, as
	// descriptors are: an event may be about one that is closed already.
	attempts map[uint64]attempt
	last     uint64 // number; 0 is the bell's
}

// attempt is a connection that is being made.
type attempt struct {
	fd   int
	to   netip.AddrPort
	over func(at time.Time, err error)
}

// NewConnector returns one that must be closed.
func NewConnector() (*Connector, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll instance for health checks: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make an eventfd for health checks: %w", err), unix.Close(epoll))
	}
	c := &Connector{epoll: epoll, bell: os.NewFile(uintptr(bell), "eventfd"), events: make([]unix.EpollEvent, 256), attempts: map[uint64]attempt{}}
	if err := c.watch(bell, unix.EPOLLIN, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("watch an eventfd for health checks: %w", err), c.Close())
	}
	return c, nil
}

// Close is for when nobody waits or starts any more.
func (c *Connector) Close() error { return errors.Join(c.bell.Close(), unix.Close(c.epoll)) }

// Start implements Starter, for checks that ask for a TCP connection and nothing else.
func (c *Connector) Start(check ServerCheck, over func(at time.Time, err error)) (end func(cause error), ok bool) {
	if !check.onlyConnects() {
		return nil, false
	}
	to := aim(check.Server.Address, check.TCP.Address, check.TCP.Port)
	return c.connect(to, socket{source: check.Source, mark: check.FirewallMark}, over), true
}

// Wake implements Starter.
func (c *Connector) Wake() {
	_, _ = c.bell.Write([]byte{1, 0, 0, 0, 0, 0, 0, 0}) // 1 in either order of bytes would do
}

// briefly is how long a thread may be away in the kernel at no cost: one that is away for 10 ms has Go's scheduler
// busy (sysmon) until it takes back what the thread held. To park costs several system calls each time.
const briefly = 8 * time.Millisecond

// Wait implements Starter.
func (c *Connector) Wait(d time.Duration) error {
	if d > briefly && c.idle() {
		return c.park(d)
	}
	n, err := unix.EpollWait(c.epoll, c.events, milliseconds(d))
	switch {
	case errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("wait for connections of health checks: %w", err)
	case n == 0:
		return nil
	}
	now := time.Now()
	for _, event := range c.events[:n] {
		c.hear(event, now)
	}
	return nil
}

func (c *Connector) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.attempts) == 0
}

// park waits where nothing but the bell is to be heard.
func (c *Connector) park(d time.Duration) error {
	err := c.bell.SetReadDeadline(time.Now().Add(d))
	if err == nil {
		_, err = c.bell.Read(make([]byte, 8))
	}
	if err != nil && !expired(err) {
		return fmt.Errorf("wait for health checks that are due: %w", err)
	}
	return nil
}

// milliseconds returns for how long to wait in the kernel: rather too short than too long, but for some time.
func milliseconds(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int(max(1, d.Milliseconds()))
}

// hear takes the end of an attempt.
func (c *Connector) hear(event unix.EpollEvent, now time.Time) {
	a, waiting := c.take(number(event))
	if !waiting {
		return
	}
	err := a.result(event.Events)
	_ = unix.Close(a.fd) // how the connection ends says nothing about the server
	a.over(now, err)
}

// connect begins to connect. over is called once, by Wait or in another goroutine: when the connection is there, when it
// has failed, or when end is called, with its cause.
func (c *Connector) connect(to netip.AddrPort, how socket, over func(at time.Time, err error)) (end func(cause error)) {
	fd, err := dial(to, how)
	if err != nil {
		go over(time.Now(), err)
		return func(error) {}
	}
	c.mu.Lock()
	c.last++
	id := c.last
	c.attempts[id] = attempt{fd, to, over}
	c.mu.Unlock()
	end = func(cause error) {
		if a, waiting := c.take(id); waiting {
			_ = unix.Close(a.fd)
			go a.over(time.Now(), cause)
		}
	}
	if err := c.watch(fd, unix.EPOLLOUT, id); err != nil {
		end(err)
	}
	return end
}

// watch has what happens to a descriptor be an event, once each time.
func (c *Connector) watch(fd int, what uint32, id uint64) error {
	event := unix.EpollEvent{Events: what | unix.EPOLLET}
	setNumber(&event, id)
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &event)
}

// take returns an attempt to whoever comes first. Its socket is his to close.
func (c *Connector) take(id uint64) (_ attempt, waiting bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, waiting := c.attempts[id]
	delete(c.attempts, id)
	return a, waiting
}

// number returns the attempt that an event is about: the 64 bits of epoll_data_t.
func number(event unix.EpollEvent) uint64 {
	return uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32
}

func setNumber(event *unix.EpollEvent, id uint64) { event.Fd, event.Pad = int32(id), int32(id>>32) }

// dial returns a socket that is connecting.
func dial(to netip.AddrPort, how socket) (fd int, err error) {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := how.connect(fd, to); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// connect begins to connect a socket that does not block.
func (s socket) connect(fd int, to netip.AddrPort) error {
	if err := s.prepare(fd, "tcp"); err != nil {
		return err
	}
	if source, err := netip.ParseAddr(s.source); err == nil {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, 0))); err != nil {
			return setupError{"the source " + s.source, err}
		}
	}
	switch err := unix.Connect(fd, sockaddr(to)); err {
	case nil, unix.EINPROGRESS, unix.EINTR:
		return nil
	default:
		return err
	}
}

// sockaddr is an address as the kernel has it. One of a real server or a check has no zone.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

// result says what came of a connection by its events.
func (a attempt) result(events uint32) error {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) == 0 {
		return a.notItself()
	}
	errno, err := unix.GetsockoptInt(a.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	return err
}

// notItself reports a connection to a port of this machine where nobody listens, if it is the one that the kernel
// happened to give the connection itself: it is then its own other end (simultaneous open, RFC 9293 §3.5).
func (a attempt) notItself() error {
	if a.to.Port() < firstEphemeral {
		return nil
	}
	local, err := syscall.Getsockname(a.fd) // unix.Getsockname makes another call to find out the protocol
	if err == nil && addrPort(local) == a.to {
		err = unix.ECONNREFUSED
	}
	return err
}

func addrPort(a syscall.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return netip.AddrPort{}
}
