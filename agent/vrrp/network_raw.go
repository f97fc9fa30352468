package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// RawNetwork is the real network: two raw sockets for each interface and family, one to receive with and one to
// send with. It needs CAP_NET_RAW.
type RawNetwork struct{}

// What a socket can hold while the thread does not come to read: a second of 250 routers at 10 adverts
// a second, by the kernel's own way of counting memory.
const receiveBuffer = 4 << 20

// Adverts pass other traffic in the interface's queue (TC_PRIO_CONTROL in linux/pkt_sched.h).
const controlPriority = 7

// What a socket can hold that the interface has not taken yet: an advert of each of 255 routers, and as many
// answers. The default is less than 300 datagrams.
const sendBuffer = 1 << 20

// Open implements Network.
func (RawNetwork) Open(iface string, index int, family spec.Family) (_ Conn, err error) {
	domain, in, out := unix.AF_INET, receivingIPv4, sendingIPv4
	if family == spec.IPv6 {
		domain, in, out = unix.AF_INET6, receivingIPv6, sendingIPv6
	}
	var s sockets
	if s.in, err = openRaw(domain, Protocol, iface, index, in); err != nil {
		return nil, err
	}
	// Whose protocol is IPPROTO_RAW writes headers himself and receives nothing (raw(7)): the adverts that the
	// other socket is for do not pile up here.
	if s.out, err = openRaw(domain, unix.IPPROTO_RAW, iface, index, out); err != nil {
		return nil, errors.Join(err, unix.Close(s.in))
	}
	var c Conn = &rawConn4{sockets: s}
	if family == spec.IPv6 {
		c = &rawConn6{sockets: s, index: index, oob: make([]byte, 128)}
	}
	if err := discardWaiting(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// sockets are those of a connection.
type sockets struct{ in, out int }

// FD implements Conn.
func (s sockets) FD() int { return s.in }

// Close implements Conn.
func (s sockets) Close() error { return errors.Join(unix.Close(s.in), unix.Close(s.out)) }

func openRaw(domain, protocol int, iface string, index int, steps func(fd, index int) []step) (fd int, err error) {
	fd, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return -1, fmt.Errorf("open a raw socket for VRRP on %s: %w", iface, err)
	}
	if err := setUp(fd, iface, steps(fd, index)); err != nil {
		_ = unix.Close(fd) // nothing was sent through it
		return -1, err
	}
	return fd, nil
}

// discardWaiting throws away what came in before the socket was bound: it may be another interface's.
func discardWaiting(c Conn) error {
	var buf [ipv6HeaderLen + 1]byte // the rest of a datagram goes with it
	for range drainAtMost {
		if n, err := c.Receive(buf[:]); n == 0 {
			return err
		}
	}
	return nil
}

// step is something to be done to a new socket.
type step struct {
	what string
	err  func() error
}

func setUp(fd int, iface string, rest []step) error {
	steps := append([]step{
		{"bind to the interface", func() error { return unix.BindToDevice(fd, iface) }},
	}, rest...)
	for _, s := range steps {
		if err := s.err(); err != nil {
			return fmt.Errorf("prepare the VRRP socket on %s: %s: %w", iface, s.what, err)
		}
	}
	return nil
}

// set is a step that sets one option.
func set(fd, level, option, value int, what string) step {
	return step{what, func() error { return unix.SetsockoptInt(fd, level, option, value) }}
}

// size is a step that makes a buffer as large as that, or as far as the system's limit for everybody goes.
func size(fd, force, option, bytes int, what string) step {
	return step{what, func() error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, bytes) == nil {
			return nil
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, bytes)
	}}
}

func sizeReceiveBuffer(fd int) step {
	return size(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, receiveBuffer, "size the receive buffer")
}

func sizeSendBuffer(fd int) step {
	return size(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, sendBuffer, "size the send buffer")
}

func setPriority(fd int) step {
	return set(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, controlPriority, "set the priority")
}

func receivingIPv4(fd, index int) []step {
	all := group(spec.IPv4)
	return []step{
		set(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, "leave other programs' groups out"),
		{"join " + all.String(), func() error {
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
				&unix.IPMreqn{Multiaddr: all.As4(), Ifindex: int32(index)})
		}},
		sizeReceiveBuffer(fd),
	}
}

func sendingIPv4(fd, _ int) []step {
	return []step{
		// The header is written here, with the interface's own address as source.
		set(fd, unix.IPPROTO_IP, unix.IP_HDRINCL, 1, "set IP_HDRINCL"),
		set(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0, "stop our own adverts from coming back"),
		setPriority(fd),
		sizeSendBuffer(fd),
	}
}

func receivingIPv6(fd, index int) []step {
	all := group(spec.IPv6)
	return []step{
		// What is received comes without a header: the kernel is asked for what it said.
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, "set IPV6_RECVHOPLIMIT"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, "set IPV6_RECVPKTINFO"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0, "leave other programs' groups out"),
		{"join " + all.String(), func() error {
			return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
				&unix.IPv6Mreq{Multiaddr: all.As16(), Interface: uint32(index)})
		}},
		sizeReceiveBuffer(fd),
	}
}

func sendingIPv6(fd, index int) []step {
	return []step{
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_HDRINCL, 1, "set IPV6_HDRINCL"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0, "stop our own adverts from coming back"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, index, "send to groups on the interface"),
		setPriority(fd),
		sizeSendBuffer(fd),
	}
}

type rawConn4 struct {
	sockets
	to unix.SockaddrInet4
}

func (c *rawConn4) Receive(buf []byte) (int, error) {
	n, err := unix.Read(c.in, buf)
	return received(n, err)
}

func (c *rawConn4) Send(datagram []byte) error {
	c.to.Addr = destinationOf(datagram).As4()
	return unix.Sendto(c.out, datagram, unix.MSG_DONTWAIT, &c.to)
}

type rawConn6 struct {
	sockets
	index int
	to    unix.SockaddrInet6
	oob   []byte
}

// Receive puts the header that the kernel took off in front again, as far as it matters here.
func (c *rawConn6) Receive(buf []byte) (int, error) {
	n, control, _, from, err := unix.Recvmsg(c.in, buf[ipv6HeaderLen:], c.oob, 0)
	if n, err = received(n, err); n == 0 {
		return 0, err
	}
	sender, ok := from.(*unix.SockaddrInet6)
	if !ok {
		return 0, fmt.Errorf("an advert came from a %T", from)
	}
	hopLimit, destination, err := c.control(c.oob[:control])
	if err != nil {
		return 0, err
	}
	// It fills the very bytes that were left free in front of the message.
	appendHeader(buf[:0], netip.AddrFrom16(sender.Addr), destination, hopLimit, n)
	return ipv6HeaderLen + n, nil
}

// control reads what the kernel says beside a message.
func (c *rawConn6) control(oob []byte) (hopLimit uint8, destination netip.Addr, err error) {
	destination = netip.IPv6Unspecified()
	for len(oob) >= unix.CmsgSpace(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0, netip.Addr{}, fmt.Errorf("read what the kernel says about an advert: %w", err)
		}
		oob = rest
		switch {
		case header.Level != unix.IPPROTO_IPV6:
		case header.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			hopLimit = uint8(binary.NativeEndian.Uint32(data)) // an int
		case header.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			destination = netip.AddrFrom16([16]byte(data))
		}
	}
	return hopLimit, destination, nil
}

func (c *rawConn6) Send(datagram []byte) error {
	destination := destinationOf(datagram)
	c.to.Addr, c.to.ZoneId = destination.As16(), 0
	if destination.IsLinkLocalUnicast() || destination.IsLinkLocalMulticast() {
		c.to.ZoneId = uint32(c.index)
	}
	return unix.Sendto(c.out, datagram, unix.MSG_DONTWAIT, &c.to)
}

// received makes nothing of a read that found nothing.
func received(n int, err error) (int, error) {
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}
