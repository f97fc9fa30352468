package vrrp

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// MemoryNetwork is a network inside the process: connections of one family to an interface of the same
// name hear one another. It needs no privileges. An engine that has one for itself is alone on every interface.
type MemoryNetwork struct {
	mu    sync.Mutex
	conns map[attachment][]*memoryConn
}

// attachment is what connections share that hear one another.
type attachment struct {
	iface  string
	family spec.Family
}

// NewMemoryNetwork returns a network that nobody is connected to.
func NewMemoryNetwork() *MemoryNetwork {
	return &MemoryNetwork{conns: map[attachment][]*memoryConn{}}
}

// Open implements Network. The index is not looked at.
func (n *MemoryNetwork) Open(iface string, _ int, family spec.Family) (Conn, error) {
	// A pair of sockets, so that an engine can wait for it as it waits for a raw socket.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a memory socket for VRRP on %s: %w", iface, err)
	}
	c := &memoryConn{network: n, on: attachment{iface, family}, outlet: pair[0], inlet: pair[1]}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c.on] = append(n.conns[c.on], c)
	return c, nil
}

// OpenVirtual implements Network. Nothing is heard there alone: a MAC keeps no one here from hearing.
func (n *MemoryNetwork) OpenVirtual(l spec.VirtualLink, _, _ int, family spec.Family, beside Conn) (Conn, error) {
	c, err := n.Open(l.Name, 0, family)
	if err != nil {
		return nil, err
	}
	return virtualMemoryConn{c, beside}, nil
}

// virtualMemoryConn sends by its parent.
type virtualMemoryConn struct {
	Conn
	parent Conn
}

func (c virtualMemoryConn) Send(datagram []byte) error { return c.parent.Send(datagram) }

type memoryConn struct {
	network       *MemoryNetwork
	on            attachment
	outlet, inlet int
}

func (c *memoryConn) FD() int { return c.outlet }

func (c *memoryConn) Receive(buf []byte) (int, error) {
	n, err := unix.Read(c.outlet, buf)
	return received(n, err)
}

// Send loses the datagram for those whose buffer is full, as a network would.
func (c *memoryConn) Send(datagram []byte) error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	for _, other := range c.network.conns[c.on] {
		if other == c {
			continue
		}
		if _, err := unix.Write(other.inlet, datagram); err != nil && err != unix.EAGAIN {
			return fmt.Errorf("send on memory interface %s: %w", c.on.iface, err)
		}
	}
	return nil
}

func (c *memoryConn) Close() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.network.conns[c.on] = slices.DeleteFunc(c.network.conns[c.on], func(o *memoryConn) bool { return o == c })
	if err := unix.Close(c.inlet); err != nil {
		return err
	}
	return unix.Close(c.outlet)
}
