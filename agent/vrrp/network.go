package vrrp

import "golang.org/x/sys/unix"

// Network is where adverts go to and come from.
type Network interface {
	// Open returns a connection to the group on the interface of that name and index. It may take its
	// time: it is not called on the thread that sends.
	Open(iface string, index int) (Conn, error)
}

// Conn carries whole IPv4 datagrams, header included. No method blocks.
type Conn interface {
	// FD is readable while a datagram waits. It belongs to the Conn.
	FD() int
	// Send sends a datagram to the group.
	Send(datagram []byte) error
	// Close may take its time.
	Close() error
}

// receive reads one datagram. It returns 0 when none waits.
func receive(c Conn, buf []byte) (int, error) {
	for {
		n, err := unix.Read(c.FD(), buf)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}
