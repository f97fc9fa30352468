package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// RawNetwork is the real network: a raw socket for each interface and family. It needs CAP_NET_RAW.
type RawNetwork struct{}

// What a socket can hold while the thread does not come to read: a second of 250 routers at 10 adverts
// a second, by the kernel's own way of counting memory.
const receiveBuffer = 4 << 20

// Adverts pass other traffic in the interface's queue (TC_PRIO_CONTROL in linux/pkt_sched.h).
const controlPriority = 7

// Open implements Network.
func (RawNetwork) Open(iface string, index int, family spec.Family) (Conn, error) {
	domain := unix.AF_INET
	if family == spec.IPv6 {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, Protocol)
	if err != nil {
		return nil, fmt.Errorf("open a raw socket for VRRP on %s: %w", iface, err)
	}
	var c Conn = &rawConn4{fd: fd}
	steps := stepsIPv4(fd, index)
	if family == spec.IPv6 {
		c, steps = &rawConn6{fd: fd, index: index, oob: make([]byte, 128)}, stepsIPv6(fd, index)
	}
	if err := errors.Join(setUp(fd, iface, steps), discardWaiting(c)); err != nil {
		_ = unix.Close(fd) // nothing was sent through it
		return nil, err
	}
	return c, nil
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

func setUp(fd int, iface string, ofFamily []step) error {
	steps := append([]step{
		{"bind to the interface", func() error { return unix.BindToDevice(fd, iface) }},
	}, ofFamily...)
	steps = append(
		steps,
		step{"set the priority", func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, controlPriority) }},
		step{"size the receive buffer", func() error {
			if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) == nil {
				return nil
			}
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // as far as net.core.rmem_max goes
		}},
	)
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

func stepsIPv4(fd, index int) []step {
	all := group(spec.IPv4)
	return []step{
		// The header is written here, with the interface's own address as source.
		set(fd, unix.IPPROTO_IP, unix.IP_HDRINCL, 1, "set IP_HDRINCL"),
		set(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0, "stop our own adverts from coming back"),
		set(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, "leave other programs' groups out"),
		{"join " + all.String(), func() error {
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
				&unix.IPMreqn{Multiaddr: all.As4(), Ifindex: int32(index)})
		}},
	}
}

func stepsIPv6(fd, index int) []step {
	all := group(spec.IPv6)
	return []step{
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_HDRINCL, 1, "set IPV6_HDRINCL"),
		// What is received comes without a header: the kernel is asked for what it said.
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, "set IPV6_RECVHOPLIMIT"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, "set IPV6_RECVPKTINFO"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0, "stop our own adverts from coming back"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0, "leave other programs' groups out"),
		set(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, index, "send to groups on the interface"),
		{"join " + all.String(), func() error {
			return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
				&unix.IPv6Mreq{Multiaddr: all.As16(), Interface: uint32(index)})
		}},
	}
}

type rawConn4 struct {
	fd int
	to unix.SockaddrInet4
}

func (c *rawConn4) FD() int { return c.fd }

func (c *rawConn4) Receive(buf []byte) (int, error) {
	n, err := unix.Read(c.fd, buf)
	return received(n, err)
}

func (c *rawConn4) Send(datagram []byte) error {
	c.to.Addr = destinationOf(datagram).As4()
	return unix.Sendto(c.fd, datagram, unix.MSG_DONTWAIT, &c.to)
}

func (c *rawConn4) Close() error { return unix.Close(c.fd) }

type rawConn6 struct {
	fd, index int
	to        unix.SockaddrInet6
	oob       []byte
}

func (c *rawConn6) FD() int { return c.fd }

// Receive puts the header that the kernel took off in front again, as far as it matters here.
func (c *rawConn6) Receive(buf []byte) (int, error) {
	n, control, _, from, err := unix.Recvmsg(c.fd, buf[ipv6HeaderLen:], c.oob, 0)
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
	return unix.Sendto(c.fd, datagram, unix.MSG_DONTWAIT, &c.to)
}

func (c *rawConn6) Close() error { return unix.Close(c.fd) }

// received makes nothing of a read that found nothing.
func received(n int, err error) (int, error) {
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}
