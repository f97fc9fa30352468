package ipvs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The generic netlink family of IPVS, IPVS_GENL_NAME and IPVS_GENL_VERSION of ip_vs.h.
const (
	familyName    = "IPVS"
	familyVersion = 1
)

// Commands, IPVS_CMD_*.
const (
	commandAddService        = 1
	commandEditService       = 2
	commandDeleteService     = 3
	commandGetService        = 4
	commandAddDestination    = 5
	commandEditDestination   = 6
	commandDeleteDestination = 7
	commandGetDestination    = 8
	commandInfo              = 15
)

const (
	// An interrupted dump is asked for again this many times.
	dumpAttempts = 5
	// Room for the errors of a whole batch, which come one by one.
	queueBytes = 4 << 20
)

// socket is a connection to the kernel's IPVS. After an error of the socket itself, one that is not
// the kernel's answer, it is of no use any more.
type socket struct {
	netlink *nl.NetlinkSocket
	timeout time.Duration // for the answers to one send
	waits   time.Duration // what the kernel was told to wait for an answer
	family  uint16
	next    uint32 // sequence number
	inbox   *inbox
	out     request
	// read is what was read last, by service, and rows is where the next is put together.
	read map[ServiceKey]destinations
	rows []destinationRow
}

// openSocket opens a socket and finds the family, which makes the kernel load the module where it may.
// ErrUnavailable says that there is none.
func openSocket(ctx context.Context, namespace netns.NsHandle, timeout time.Duration) (*socket, error) {
	s, err := nl.GetNetlinkSocketAt(namespace, netns.None(), unix.NETLINK_GENERIC)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	c := &socket{netlink: s, timeout: timeout, next: 1, inbox: newInbox(), read: map[ServiceKey]destinations{}}
	// Without CAP_NET_ADMIN there is less room, and nothing that could be written.
	_ = s.SetReceiveBufferSize(queueBytes, true)
	// An error need not repeat the message that it is about.
	_ = unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	if c.family, err = c.findFamily(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *socket) close() { c.netlink.Close() }

// findFamily asks for the family's number. It is another one after the module was loaded anew.
func (c *socket) findFamily(ctx context.Context) (uint16, error) {
	r := c.request()
	r.add(nl.GENL_ID_CTRL, 0, nl.GENL_CTRL_CMD_GETFAMILY, nl.GENL_CTRL_VERSION, func(e *encoder) {
		e.text(nl.GENL_CTRL_ATTR_FAMILY_NAME, familyName)
	})
	var id uint16
	err := c.exchange(ctx, r, func(a answer) (bool, error) {
		if len(a.message) < headerLength {
			return true, errors.Join(a.err(), errShort)
		}
		r := newReader(a.message[headerLength:])
		id = r.uint16(nl.GENL_CTRL_ATTR_FAMILY_ID)
		return true, a.err()
	})
	switch {
	case errors.Is(err, unix.ENOENT):
		return 0, ErrUnavailable
	case err == nil && id == 0:
		// A message to family 0 would be acknowledged and do nothing.
		err = errShort
	}
	if err != nil {
		return 0, fmt.Errorf("look for the netlink family %s: %w", familyName, err)
	}
	return id, nil
}

// get sends a command that is answered by one message.
func (c *socket) get(ctx context.Context, command uint8, attributes func(*encoder)) (message []byte, err error) {
	r := c.request()
	r.add(c.family, 0, command, familyVersion, attributes)
	err = c.exchange(ctx, r, func(a answer) (bool, error) {
		message = a.message
		return true, a.err()
	})
	return message, err
}

// dump sends a command that is answered by any number of messages. Each is read by take, and not kept.
// A dump that was interrupted is begun anew, after restart.
func (c *socket) dump(ctx context.Context, command uint8, attributes func(*encoder), restart func(), take func(message []byte) error) (err error) {
	for range dumpAttempts {
		restart()
		r := c.request()
		r.reads = true
		r.add(c.family, unix.NLM_F_DUMP, command, familyVersion, attributes)
		interrupted := false
		err = c.exchange(ctx, r, func(a answer) (bool, error) {
			interrupted = interrupted || a.flags&unix.NLM_F_DUMP_INTR != 0
			if a.kind == unix.NLMSG_DONE || a.kind == unix.NLMSG_ERROR {
				return true, a.err()
			}
			return false, take(a.message)
		})
		if err != nil || !interrupted {
			return err
		}
	}
	return netlink.ErrDumpInterrupted
}

// batch sends messages that are answered by an acknowledgement alone, all at once, and returns what the
// kernel said to each.
func (c *socket) batch(ctx context.Context, r *request) ([]error, error) {
	r.acknowledged()
	said := make([]error, r.count)
	err := c.exchange(ctx, r, func(a answer) (bool, error) {
		n := a.sequence - r.first
		said[n] = a.err()
		return int(n) == r.count-1, nil
	})
	return said, err
}

// request returns an empty request whose sequence numbers nobody had before. The one before it is gone.
func (c *socket) request() *request {
	c.out = request{first: c.next, bytes: c.out.bytes[:0]}
	return &c.out
}

// answer is a message from the kernel. It is gone with the next one.
type answer struct {
	kind, flags uint16
	sequence    uint32
	message     []byte
}

// err returns the error that a message is, an acknowledgement being none.
func (a answer) err() error {
	if a.kind != unix.NLMSG_ERROR && a.kind != unix.NLMSG_DONE || len(a.message) < 4 {
		return nil
	}
	if number := -int32(binary.NativeEndian.Uint32(a.message)); number != 0 {
		return syscall.Errno(number)
	}
	return nil
}

// exchange sends a request and hands its answers to take until that has had the last, or fails. It
// waits for the timeout, or until the context's deadline.
func (c *socket) exchange(ctx context.Context, r *request, take func(answer) (last bool, err error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.next = r.first + uint32(r.count)
	end := time.Now().Add(c.timeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	if err := c.waitUntil(end); err != nil {
		return err
	}
	if err := c.send(r); err != nil {
		return c.broken("send to the kernel", err)
	}
	var wrong error
	for {
		pieces, err := c.inbox.receive(c.netlink.GetFd())
		switch {
		case errors.Is(err, unix.EINTR) && time.Now().Before(end):
			continue
		case err != nil:
			return c.broken("receive from the kernel", err)
		}
		for _, piece := range pieces {
			last, err := c.split(piece, r, take)
			if wrong == nil {
				wrong = err
			}
			// What else belongs to an answer that cannot be read is passed over, so that it is not taken for
			// that to a later request.
			if last {
				return wrong
			}
		}
		if time.Now().After(end) {
			return errTimeout
		}
	}
}

// send sends a request. One that only reads is answered piece by piece, and each piece takes no time; one
// that writes may have the kernel load a module.
func (c *socket) send(r *request) error {
	if r.reads {
		return sendNow(c.netlink.GetFd(), r.bytes)
	}
	return unix.Sendto(c.netlink.GetFd(), r.bytes, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// split hands the messages in b that answer the request to take.
func (c *socket) split(b []byte, r *request, take func(answer) (bool, error)) (last bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN && !last {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.NLMSG_HDRLEN || length > len(b) {
			return last, errShort
		}
		a := answer{
			kind: binary.NativeEndian.Uint16(b[4:]), flags: binary.NativeEndian.Uint16(b[6:]), sequence: binary.NativeEndian.Uint32(b[8:]),
			message: b[unix.NLMSG_HDRLEN:length],
		}
		b = b[min((length+alignment-1)&^(alignment-1), len(b)):]
		if a.sequence-r.first >= uint32(r.count) {
			continue // an answer that came too late
		}
		var wrong error
		if last, wrong = take(a); err == nil {
			err = wrong
		}
	}
	return last, err
}

// waitUntil tells the kernel how long a send or receive may take. Nearly always that is the timeout.
func (c *socket) waitUntil(end time.Time) error {
	wait := c.timeout
	if left := time.Until(end); left < c.timeout-time.Second {
		wait = max(left.Truncate(time.Microsecond), time.Microsecond) // none would be for ever
	}
	if wait == c.waits {
		return nil
	}
	limit := unix.NsecToTimeval(wait.Nanoseconds())
	if err := errors.Join(c.netlink.SetSendTimeout(&limit), c.netlink.SetReceiveTimeout(&limit)); err != nil {
		return c.broken("set the time to wait for the kernel", err)
	}
	c.waits = wait
	return nil
}

// broken is an error of the socket. It is none of the kernel's answers, and does not look like one.
func (c *socket) broken(doing string, err error) error {
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return errTimeout
	}
	return &socketError{doing, err}
}

// socketError is an error of a socket rather than an answer of the kernel.
type socketError struct {
	doing string
	err   error
}

func (e *socketError) Error() string { return e.doing + ": " + e.err.Error() }
