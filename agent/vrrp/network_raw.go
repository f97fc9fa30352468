package vrrp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// RawNetwork is the real network: a raw socket for each interface. It needs CAP_NET_RAW.
type RawNetwork struct{}

// What a socket can hold while the thread does not come to read: a second of 250 routers at 10 adverts
// a second, by the kernel's own way of counting memory.
const receiveBuffer = 4 << 20

// Adverts pass other traffic in the interface's queue (TC_PRIO_CONTROL in linux/pkt_sched.h).
const controlPriority = 7

// Open implements Network.
func (RawNetwork) Open(iface string, index int) (Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, Protocol)
	if err != nil {
		return nil, fmt.Errorf("open a raw socket for VRRP on %s: %w", iface, err)
	}
	c := &rawConn{fd: fd, to: unix.SockaddrInet4{Addr: group().As4()}}
	if err := errors.Join(setUp(fd, iface, index), discardWaiting(c)); err != nil {
		_ = unix.Close(fd) // nothing was sent through it
		return nil, err
	}
	return c, nil
}

// discardWaiting throws away what came in before the socket was bound: it may be another interface's.
func discardWaiting(c Conn) error {
	var buf [1]byte // the rest of a datagram goes with it
	for range drainAtMost {
		if n, err := receive(c, buf[:]); n == 0 {
			return err
		}
	}
	return nil
}

func setUp(fd int, iface string, index int) error {
	steps := []struct {
		what string
		err  func() error
	}{
		{"bind to the interface", func() error { return unix.BindToDevice(fd, iface) }},
		// The header is written here, with the interface's own address as source.
		{"set IP_HDRINCL", func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_HDRINCL, 1) }},
		{"stop our own adverts from coming back", func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0) }},
		{"leave other programs' groups out", func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0) }},
		{"join " + group().String(), func() error {
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
				&unix.IPMreqn{Multiaddr: group().As4(), Ifindex: int32(index)})
		}},
		{"set the priority", func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, controlPriority) }},
		{"size the receive buffer", func() error {
			if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) == nil {
				return nil
			}
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // as far as net.core.rmem_max goes
		}},
	}
	for _, s := range steps {
		if err := s.err(); err != nil {
			return fmt.Errorf("prepare the VRRP socket on %s: %s: %w", iface, s.what, err)
		}
	}
	return nil
}

type rawConn struct {
	fd int
	to unix.SockaddrInet4
}

func (c *rawConn) FD() int { return c.fd }

func (c *rawConn) Send(datagram []byte) error {
	return unix.Sendto(c.fd, datagram, unix.MSG_DONTWAIT, &c.to)
}

func (c *rawConn) Close() error { return unix.Close(c.fd) }
