// Package link works on network interfaces: what they are, which addresses they carry, and how
// neighbours are told (gratuitous ARP, unsolicited neighbour advertisements). Kernel does so through netlink and packet sockets, Memory pretends to.
//
// It must not know what VRRP is, nor why an address should come or go. It only ever removes an address
// that its Ledger says the agent may have put there, and never one by guess.
package link

import "net/netip"

// Held is an address that the agent may put on an interface and take off it.
type Held struct {
	Interface string       `json:"interface"`
	Prefix    netip.Prefix `json:"prefix"`
}

// Ledger remembers, beyond a crash, which addresses are ours. An address is recorded when it is
// configured, long before it is put anywhere, so that no write to disk stands in the way of a takeover.
type Ledger interface {
	// Entries returns everything recorded.
	Entries() ([]Held, error)
	// Record adds entries. Those that are there already cost nothing.
	Record(entries ...Held) error
	// Forget removes entries.
	Forget(entries ...Held) error
}
