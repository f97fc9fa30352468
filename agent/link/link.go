// Package link works on network interfaces: what they are, which addresses they carry, and how
// neighbours are told (gratuitous ARP, unsolicited neighbour advertisements). Kernel does so through netlink and packet sockets, Memory pretends to.
//
// It must not know what VRRP is, nor why an address should come or go. It only ever removes an address
// that its Ledger says the agent may have put there, and never one by guess; the same goes for interfaces.
package link

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Held is an address that the agent may put on an interface and take off it.
type Held struct {
	Interface string       `json:"interface"`
	Prefix    netip.Prefix `json:"prefix"`
}

// Ledger remembers, beyond a crash, which addresses are ours.
type Ledger = LedgerOf[Held]

// LedgerOf remembers, beyond a crash, what is ours of a kind.
type LedgerOf[T comparable] interface {
	// Entries returns everything recorded.
	Entries() ([]T, error)
	// Record adds entries. Those that are there already cost nothing.
	Record(entries ...T) error
	// Forget removes entries.
	Forget(entries ...T) error
}

// Ledgers are what is written down of our doing. That is done when it is configured, long before anything
// is put anywhere, so that no write to disk stands in the way of a takeover.
type Ledgers struct {
	// Addresses may be put on interfaces and taken off.
	Addresses Ledger
	// Links are interfaces that we make.
	Links LedgerOf[spec.VirtualLink]
	// Settings of the kernel are to be given back.
	Settings LedgerOf[Setting]
}
