package link

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// virtualLinks are those that we made, or are about to make, by the ledger.
type virtualLinks struct {
	ledger LedgerOf[spec.VirtualLink]

	mu   sync.Mutex
	ours map[string]spec.VirtualLink // by name
	// filled is what was put on a link that stands by.
	filled map[string]filling
}

// filling is a link, which another one of the name is not, and what was put there.
type filling struct {
	index     int
	addresses []netip.Prefix
}

func readVirtualLinks(ledger LedgerOf[spec.VirtualLink]) (*virtualLinks, error) {
	entries, err := ledger.Entries()
	if err != nil {
		return nil, fmt.Errorf("read which interfaces are ours: %w", err)
	}
	v := &virtualLinks{ledger: ledger, ours: map[string]spec.VirtualLink{}, filled: map[string]filling{}}
	for _, l := range entries {
		v.ours[l.Name] = l
	}
	return v, nil
}

// has reports whether an interface of that name is ours, if there is one.
func (v *virtualLinks) has(name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.ours[name]
	return ok
}

// is reports whether an interface is one of ours, and not what somebody has put in its place.
func (v *virtualLinks) is(l netlink.Link) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	ours, ok := v.ours[l.Attrs().Name]
	return ok && l.Type() == "macvlan" && l.Attrs().HardwareAddr.String() == ours.MAC
}

func (v *virtualLinks) record(l spec.VirtualLink) error {
	if err := v.ledger.Record(l); err != nil {
		return fmt.Errorf("record that interface %s is ours: %w", l.Name, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ours[l.Name] = l
	return nil
}

func (v *virtualLinks) forget(l spec.VirtualLink) error {
	v.mu.Lock()
	delete(v.ours, l.Name)
	delete(v.filled, l.Name)
	v.mu.Unlock()
	if err := v.ledger.Forget(l); err != nil {
		return fmt.Errorf("forget interface %s, which is gone: %w", l.Name, err)
	}
	return nil
}

// others returns those of ours that are not in the list, in order.
func (v *virtualLinks) others(links []spec.VirtualLink) (all []spec.VirtualLink) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.ours {
		if !slices.Contains(links, l) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b spec.VirtualLink) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// full reports whether these addresses were put on the link before.
func (v *virtualLinks) full(name string, index int, addresses []netip.Prefix) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.filled[name]
	return f.index == index && slices.Equal(f.addresses, addresses)
}

// fill remembers that the addresses were put on the link.
func (v *virtualLinks) fill(name string, index int, addresses []netip.Prefix) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.filled[name] = filling{index, addresses}
}
