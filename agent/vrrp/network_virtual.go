package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// OpenVirtual implements Network. Adverts leave as ready frames by the parent: the virtual link, which the
// kernel would have to send through, is down when the first one is due. And they are received as frames,
// because a private macvlan is the only one to get a frame with its own MAC as source (macvlan_handle_frame):
// the parent's socket would never hear another router that is active, too.
func (RawNetwork) OpenVirtual(l spec.VirtualLink, parent, index int, family spec.Family, _ Conn) (Conn, error) {
	mac, err := net.ParseMAC(l.MAC)
	if err != nil || len(mac) != 6 {
		return nil, fmt.Errorf("open a packet socket for VRRP on %s: %q is not a MAC", l.Name, l.MAC)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket for VRRP on %s: %w", l.Name, err)
	}
	c := &frameConn{fd: fd, mac: [6]byte(mac), etherType: unix.ETH_P_IP, to: unix.SockaddrLinklayer{Ifindex: parent}}
	if family == spec.IPv6 {
		c.etherType = unix.ETH_P_IPV6
	}
	for _, s := range []step{
		setPriority(fd),
		{"let nothing in but adverts from the virtual MAC", c.filter},
		{"bind to the interface", func() error {
			return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(c.etherType), Ifindex: index})
		}},
	} {
		if err := s.err(); err != nil {
			_ = unix.Close(fd) // nothing was sent through it
			return nil, fmt.Errorf("prepare the VRRP socket on %s: %s: %w", l.Name, s.what, err)
		}
	}
	return c, nil
}

// frameConn sends adverts from a virtual MAC, and hears those of others that come from it.
type frameConn struct {
	fd        int
	mac       [6]byte
	etherType uint16
	to        unix.SockaddrLinklayer
	frame     []byte
}

const ethernetHeaderLen = 14

func (c *frameConn) FD() int { return c.fd }

func (c *frameConn) Receive(buf []byte) (int, error) {
	n, err := received(unix.Read(c.fd, buf))
	if errors.Is(err, unix.ENETDOWN) {
		return 0, nil // a virtual link is down while the router is not active
	}
	if n < ethernetHeaderLen {
		return 0, err
	}
	return copy(buf, buf[ethernetHeaderLen:n]), nil
}

func (c *frameConn) Send(datagram []byte) error {
	c.frame = appendGroupMAC(c.frame[:0], destinationOf(datagram))
	c.frame = append(c.frame, c.mac[:]...)
	c.frame = binary.BigEndian.AppendUint16(c.frame, c.etherType)
	c.frame = append(c.frame, datagram...)
	err := unix.Sendto(c.fd, c.frame, unix.MSG_DONTWAIT, &c.to)
	if errors.Is(err, unix.ENETDOWN) {
		// A socket says once, to whoever comes first, that the link it is bound to went down.
		err = unix.Sendto(c.fd, c.frame, unix.MSG_DONTWAIT, &c.to)
	}
	return err
}

func (c *frameConn) Close() error { return unix.Close(c.fd) }

// appendGroupMAC appends the MAC that a multicast group has (RFC 1112 §6.4, RFC 2464 §7).
func appendGroupMAC(b []byte, group netip.Addr) []byte {
	if group.Is6() {
		six := group.As16()
		return append(append(b, 0x33, 0x33), six[12:]...)
	}
	four := group.As4()
	return append(b, 0x01, 0x00, 0x5e, four[1]&0x7f, four[2], four[3])
}

// filter lets in what has the virtual MAC as source and VRRP in its IP header.
func (c *frameConn) filter() error {
	protocol := uint32(ethernetHeaderLen + 9)
	if c.etherType == unix.ETH_P_IPV6 {
		protocol = ethernetHeaderLen + 6
	}
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 6, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(c.mac[:]), SkipTrue: 5},
		bpf.LoadAbsolute{Off: 10, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(c.mac[4:])), SkipTrue: 3},
		bpf.LoadAbsolute{Off: protocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: Protocol, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	code := make([]unix.SockFilter, len(program))
	for i, in := range program {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SetsockoptSockFprog(c.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}

// bigEndian is a number as the kernel wants it that takes it from the wire.
func bigEndian(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}
