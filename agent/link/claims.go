package link

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
)

// device is where addresses are put: the kernel, or a pretence of it.
type device interface {
	// addresses lists what an interface carries; nothing when there is no such interface.
	addresses(iface string) ([]netip.Prefix, error)
	// add returns the addresses that were not there already. One that fails keeps no other from being added.
	add(iface string, addresses []netip.Prefix) (added []netip.Prefix, err error)
	// remove returns the addresses that are not there now: those that were not before, or whose interface
	// was not, among them.
	remove(iface string, addresses []netip.Prefix) (gone []netip.Prefix, err error)
}

// claims puts addresses on a device and takes them off, but only those that its ledger has. It is the
// half of Kernel and Memory that is about whose an address is.
type claims struct {
	device device
	ledger Ledger

	// writing is held over changes of the ledger. It is taken before mu.
	writing sync.Mutex
	// mu is held over changes of the device, and never over a write to disk: a takeover must not wait
	// for one.
	mu sync.Mutex
	// held is a copy of the ledger.
	held map[Held]bool
}

func readClaims(d device, l Ledger) (*claims, error) {
	entries, err := l.Entries()
	if err != nil {
		return nil, fmt.Errorf("read which addresses are ours: %w", err)
	}
	c := &claims{device: d, ledger: l, held: map[Held]bool{}}
	for _, h := range entries {
		c.held[h] = true
	}
	return c, nil
}

// Claim records, on disk, that the addresses may be put on the interface and taken off. An address that
// is there already without being claimed is the machine's own: it is refused, and so are the others.
// Claiming again costs nothing.
func (c *claims) Claim(iface string, addresses []netip.Prefix) error {
	return c.claim(iface, addresses, func(_, own []netip.Prefix) ([]netip.Prefix, error) {
		return nil, fmt.Errorf("%s is an address of %s itself: it cannot be a virtual address, but of its owner with priority 255; if an agent whose state is lost left it there, take it off (ip address del)", own[0].Addr(), iface)
	})
}

// ClaimForOwner claims those of the addresses that are not the machine's own. Those that are stay so:
// without a claim nothing here ever removes one.
func (c *claims) ClaimForOwner(iface string, addresses []netip.Prefix) error {
	return c.claim(iface, addresses, func(fresh, own []netip.Prefix) ([]netip.Prefix, error) {
		return slices.DeleteFunc(fresh, func(p netip.Prefix) bool { return slices.Contains(own, p) }), nil
	})
}

// claim claims what is not claimed yet. Where some of it is the machine's own, decide says what to claim.
func (c *claims) claim(iface string, addresses []netip.Prefix, decide func(fresh, own []netip.Prefix) ([]netip.Prefix, error)) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	fresh := c.unclaimed(iface, addresses)
	if len(fresh) == 0 {
		return nil
	}
	own, err := c.own(iface, fresh)
	if err != nil {
		return err
	}
	if len(own) > 0 {
		if fresh, err = decide(fresh, own); len(fresh) == 0 {
			return err
		}
	}
	entries := heldOn(iface, fresh)
	if err := c.ledger.Record(entries...); err != nil {
		return fmt.Errorf("record that addresses on %s are ours: %w", iface, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range entries {
		c.held[h] = true
	}
	return nil
}

// unclaimed returns which of the addresses are not claimed.
func (c *claims) unclaimed(iface string, addresses []netip.Prefix) []netip.Prefix {
	c.mu.Lock()
	defer c.mu.Unlock()
	var fresh []netip.Prefix
	for _, p := range addresses {
		if !c.held[Held{iface, p}] {
			fresh = append(fresh, p)
		}
	}
	return fresh
}

// own returns which of the addresses the interface carries without any claim on them, whatever the
// prefix length.
func (c *claims) own(iface string, addresses []netip.Prefix) ([]netip.Prefix, error) {
	present, err := c.device.addresses(iface)
	if err != nil {
		return nil, fmt.Errorf("list the addresses of %s: %w", iface, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var own []netip.Prefix
	for _, p := range addresses {
		if slices.ContainsFunc(present, func(q netip.Prefix) bool { return q.Addr() == p.Addr() && !c.held[Held{iface, q}] }) {
			own = append(own, p)
		}
	}
	return own, nil
}

// Retain takes every claimed address that is not listed off its interface, and forgets it.
func (c *claims) Retain(addresses map[string][]netip.Prefix) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	gone, err := c.removeOthers(addresses)
	if len(gone) == 0 {
		return err
	}
	if bad := c.ledger.Forget(gone...); bad != nil {
		err = errors.Join(err, fmt.Errorf("forget addresses that are gone: %w", bad))
	}
	return err
}

func (c *claims) removeOthers(addresses map[string][]netip.Prefix) (gone []Held, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	others := map[string][]netip.Prefix{}
	for _, h := range c.sorted() {
		if !slices.Contains(addresses[h.Interface], h.Prefix) {
			others[h.Interface] = append(others[h.Interface], h.Prefix)
		}
	}
	var errs []error
	for _, iface := range slices.Sorted(maps.Keys(others)) {
		removed, err := c.device.remove(iface, others[iface])
		errs = append(errs, err)
		for _, h := range heldOn(iface, removed) {
			delete(c.held, h)
			gone = append(gone, h)
		}
	}
	return gone, errors.Join(errs...)
}

func (c *claims) sorted() []Held {
	all := make([]Held, 0, len(c.held))
	for h := range c.held {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Held) int {
		if a.Interface != b.Interface {
			if a.Interface < b.Interface {
				return -1
			}
			return 1
		}
		return a.Prefix.Compare(b.Prefix)
	})
	return all
}

// Ensure puts claimed addresses on the interface where they are missing, and returns those it put. What
// is neither claimed nor the machine's own is an error; the others are put all the same.
func (c *claims) Ensure(iface string, addresses []netip.Prefix) (added []netip.Prefix, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ours []netip.Prefix
	var errs []error
	for _, p := range addresses {
		h := Held{iface, p}
		if !c.held[h] {
			if !c.present(h) {
				errs = append(errs, fmt.Errorf("add %s to %s: the address is not claimed", p, iface))
			}
			continue
		}
		ours = append(ours, p)
	}
	if len(ours) > 0 {
		added, err = c.device.add(iface, ours)
	}
	return added, errors.Join(append(errs, err)...)
}

// present reports whether the interface carries an address, whatever the prefix length.
func (c *claims) present(h Held) bool {
	all, err := c.device.addresses(h.Interface)
	return err == nil && slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Addr() == h.Prefix.Addr() })
}

// Remove takes claimed addresses off the interface. Absent ones, an absent interface, and addresses that
// are not claimed are passed over.
func (c *claims) Remove(iface string, addresses []netip.Prefix) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ours []netip.Prefix
	for _, p := range addresses {
		if c.held[Held{iface, p}] {
			ours = append(ours, p)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	_, err := c.device.remove(iface, ours)
	return err
}

// claimed reports whether an address on an interface is there by our doing.
func (c *claims) claimed(h Held) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held[h]
}

func heldOn(iface string, addresses []netip.Prefix) []Held {
	entries := make([]Held, len(addresses))
	for i, p := range addresses {
		entries[i] = Held{iface, p}
	}
	return entries
}
