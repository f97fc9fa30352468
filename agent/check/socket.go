package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// socket is how a check's packets leave the machine.
type socket struct {
	source string // an address or an interface; "" leaves it to the kernel
	mark   int64  // the firewall mark that they bear; 0 is none
}

// dialer returns what makes a check's connections. Network.Dial has the last word, where there is one.
func (n Network) dialer(how socket) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		// No keep-alive probes: no connection lives that long.
		d := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}
		if how != (socket{}) {
			d.LocalAddr, d.Control = how.local(network), how.control
		}
		dial := (*net.Dialer).DialContext
		if n.Dial != nil {
			dial = n.Dial
		}
		conn, err := dial(d, ctx, network, address)
		if errors.Is(err, unix.EADDRNOTAVAIL) && d.LocalAddr != nil {
			err = setupError{"the source " + how.source, err}
		}
		return conn, err
	}
}

// local returns the address that packets come from; nil is the kernel's choice.
func (s socket) local(network string) net.Addr {
	source, err := netip.ParseAddr(s.source)
	if err != nil {
		return nil
	}
	switch from := netip.AddrPortFrom(source, 0); {
	case strings.HasPrefix(network, "tcp"):
		return net.TCPAddrFromAddrPort(from)
	case strings.HasPrefix(network, "udp"):
		return net.UDPAddrFromAddrPort(from)
	}
	return &net.IPAddr{IP: source.AsSlice(), Zone: source.Zone()}
}

// control prepares a socket before it is bound.
func (s socket) control(network, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) { failed = s.prepare(int(fd), network) })
	return errors.Join(err, failed)
}

func (s socket) prepare(fd int, network string) error {
	if s.mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(s.mark)); err != nil {
			return setupError{fmt.Sprintf("the firewall mark %d", s.mark), err}
		}
	}
	switch _, err := netip.ParseAddr(s.source); {
	case s.source == "":
	case err != nil:
		if err := unix.BindToDevice(fd, s.source); err != nil {
			return setupError{"the source " + s.source, err}
		}
	case strings.HasPrefix(network, "tcp"):
		// The port is chosen when the other end is known: one port then serves checks of many servers.
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
	return nil
}

// setupError is what a socket could not be given. It is about this machine, not about the server.
type setupError struct {
	what string
	err  error
}

func (e setupError) Error() string {
	var errno syscall.Errno
	switch errors.As(e.err, &errno); errno {
	case unix.ENODEV:
		return e.what + " is no interface of this director"
	case unix.EADDRNOTAVAIL:
		return e.what + " is no address of this director"
	case unix.EPERM:
		return e.what + " needs CAP_NET_ADMIN, which the agent does not have"
	}
	return fmt.Sprintf("%s cannot be used: %v", e.what, errno)
}

// until returns a dialer whose connections are closed when the context ends, those included that are made later: a
// library that was told to stop may yet finish a connection in the background, and would keep it.
func until(ctx context.Context, dial dialFunc) dialFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // mostly, it is closed already
		}
		return conn, err
	}
}

// obey makes what goes on on a connection end with the context. What it returns undoes that.
func obey(ctx context.Context, conn net.Conn) (undo func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// setOption sets an option of a connection's socket.
func setOption(conn net.Conn, level, option, value int) error {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil // no socket of the kernel's
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, option, value) })
	if err != nil {
		return err
	}
	return failed
}
