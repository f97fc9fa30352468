package ipvs

import (
	"context"
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
	commandGetService        = 4
	commandAddDestination    = 5
	commandEditDestination   = 6
	commandDeleteDestination = 7
	commandGetDestination    = 8
	commandInfo              = 15
)

// An interrupted dump is asked for again this many times.
const dumpAttempts = 5

// socket is a connection to the kernel's IPVS. After an error of the socket itself, one that is not
// the kernel's answer, it is of no use any more.
type socket struct {
	handle  *nl.SocketHandle
	timeout time.Duration // for one answer
	family  uint16
}

// openSocket opens a socket and finds the family, which makes the kernel load the module where it may.
// ErrUnavailable says that there is none.
func openSocket(ctx context.Context, namespace netns.NsHandle, timeout time.Duration) (*socket, error) {
	s, err := nl.GetNetlinkSocketAt(namespace, netns.None(), unix.NETLINK_GENERIC)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	c := &socket{handle: &nl.SocketHandle{Socket: s}, timeout: timeout}
	if c.family, err = c.findFamily(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *socket) close() { c.handle.Close() }

func (c *socket) findFamily(ctx context.Context) (uint16, error) {
	name := nl.NewRtAttr(nl.GENL_CTRL_ATTR_FAMILY_NAME, nl.ZeroTerminated(familyName))
	header := &nl.Genlmsg{Command: nl.GENL_CTRL_CMD_GETFAMILY, Version: nl.GENL_CTRL_VERSION}
	answers, err := c.send(ctx, nl.GENL_ID_CTRL, 0, header, name)
	if errors.Is(err, unix.ENOENT) {
		return 0, ErrUnavailable
	}
	if err != nil {
		return 0, fmt.Errorf("look for the netlink family %s: %w", familyName, err)
	}
	for _, answer := range answers {
		if len(answer) < headerLength {
			continue
		}
		// A message to family 0 would be acknowledged and do nothing.
		if id := newReader(answer[headerLength:]).uint16(nl.GENL_CTRL_ATTR_FAMILY_ID); id != 0 {
			return id, nil
		}
	}
	return 0, fmt.Errorf("look for the netlink family %s: %w", familyName, errShort)
}

// call sends a command that is answered by an acknowledgement alone.
func (c *socket) call(ctx context.Context, command uint8, attrs ...nl.NetlinkRequestData) error {
	_, err := c.command(ctx, command, unix.NLM_F_ACK, attrs...)
	return err
}

// get sends a command that is answered by one message.
func (c *socket) get(ctx context.Context, command uint8) ([]byte, error) {
	answers, err := c.command(ctx, command, 0)
	if err != nil {
		return nil, err
	}
	if len(answers) != 1 {
		return nil, fmt.Errorf("the kernel sent %d answers, want 1", len(answers))
	}
	return answers[0], nil
}

// dump sends a command that is answered by any number of messages.
func (c *socket) dump(ctx context.Context, command uint8, attrs ...nl.NetlinkRequestData) (answers [][]byte, err error) {
	for range dumpAttempts {
		answers, err = c.command(ctx, command, unix.NLM_F_DUMP, attrs...)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return answers, err
}

func (c *socket) command(ctx context.Context, command uint8, flags int, attrs ...nl.NetlinkRequestData) ([][]byte, error) {
	return c.send(ctx, int(c.family), flags, &nl.Genlmsg{Command: command, Version: familyVersion}, attrs...)
}

// send waits for the answer for the timeout, or until the context's deadline.
func (c *socket) send(ctx context.Context, family, flags int, header *nl.Genlmsg, attrs ...nl.NetlinkRequestData) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	timeout := c.timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	if timeout = timeout.Truncate(time.Microsecond); timeout == 0 {
		timeout = -time.Microsecond // none would be for ever
	}
	wait := unix.NsecToTimeval(timeout.Nanoseconds())
	if err := errors.Join(c.handle.Socket.SetSendTimeout(&wait), c.handle.Socket.SetReceiveTimeout(&wait)); err != nil {
		return nil, err
	}
	request := nl.NewNetlinkRequest(family, flags)
	request.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_GENERIC: c.handle}
	request.AddData(header)
	for _, a := range attrs {
		request.AddData(a)
	}
	answers, err := request.Execute(unix.NETLINK_GENERIC, 0)
	if errors.Is(err, syscall.EAGAIN) {
		return nil, errTimeout
	}
	return answers, err
}
