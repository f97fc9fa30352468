package vrrp

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// MemoryNetwork is a network inside the process: connections to an interface of the same name hear one
// another. It needs no privileges. An engine that has one for itself is alone on every interface.
type MemoryNetwork struct {
	mu    sync.Mutex
	conns map[string][]*memoryConn
}

// NewMemoryNetwork returns a network that nobody is connected to.
func NewMemoryNetwork() *MemoryNetwork {
	return &MemoryNetwork{conns: map[string][]*memoryConn{}}
}

// Open implements Network. The index is not looked at.
func (n *MemoryNetwork) Open(iface string, _ int) (Conn, error) {
	// A pair of sockets, so that an engine can wait for it as it waits for a raw socket.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a memory socket for VRRP on %s: %w", iface, err)
	}
	c := &memoryConn{network: n, iface: iface, outlet: pair[0], inlet: pair[1]}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[iface] = append(n.conns[iface], c)
	return c, nil
}

type memoryConn struct {
	network       *MemoryNetwork
	iface         string
	outlet, inlet int
}

func (c *memoryConn) FD() int { return c.outlet }

// Send loses the datagram for those whose buffer is full, as a network would.
func (c *memoryConn) Send(datagram []byte) error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	for _, other := range c.network.conns[c.iface] {
		if other == c {
			continue
		}
		if _, err := unix.Write(other.inlet, datagram); err != nil && err != unix.EAGAIN {
			return fmt.Errorf("send on memory interface %s: %w", c.iface, err)
		}
	}
	return nil
}

func (c *memoryConn) Close() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.network.conns[c.iface] = slices.DeleteFunc(c.network.conns[c.iface], func(o *memoryConn) bool { return o == c })
	if err := unix.Close(c.inlet); err != nil {
		return err
	}
	return unix.Close(c.outlet)
}
