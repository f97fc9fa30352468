package vrrp

import "github.com/lvs-director/terraform-provider-lvs/internal/spec"

// Network is where adverts go to and come from.
type Network interface {
	// Open returns a connection for one family on the interface of that name and index, which is in VRRP's
	// group. It may take its time: it is not called on the thread that sends.
	Open(iface string, index int, family spec.Family) (Conn, error)
	// OpenVirtual returns a connection that sends from a virtual MAC to the group on the link's parent, and
	// hears what others send from the same MAC there while the link is up: that no other connection hears
	// then. parent and index are those interfaces', and beside is the parent's own connection.
	OpenVirtual(l spec.VirtualLink, parent, index int, family spec.Family, beside Conn) (Conn, error)
}

// Conn carries whole IP datagrams, header included. No method blocks. One thread may send while another
// receives.
type Conn interface {
	// FD is readable while a datagram waits. It belongs to the Conn.
	FD() int
	// Receive reads one datagram into buf and returns its length, or 0 when none waits.
	Receive(buf []byte) (int, error)
	// Send sends a datagram where its header says.
	Send(datagram []byte) error
	// Close may take its time.
	Close() error
}
