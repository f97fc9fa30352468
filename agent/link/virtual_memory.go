package link

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Provide makes a virtual link that stands by with its addresses, or looks after the one that is there.
func (m *Memory) Provide(l spec.VirtualLink, addresses []netip.Prefix) (index int, err error) {
	own, err := m.own(l.Parent, addresses)
	if err != nil {
		return 0, err
	}
	if len(own) > 0 {
		return 0, fmt.Errorf("%s is an address of %s itself", own[0].Addr(), l.Parent)
	}
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	m.machine.on(l.Parent) // its index comes first
	i := m.machine.on(l.Name)
	if _, there := m.machine.links[l.Name]; !there {
		i.own, i.down = netip.Prefix{}, true
		m.machine.links[l.Name] = l
	}
	if i.down {
		m.machine.writes += len(i.put(addresses))
	}
	return i.index, nil
}

// StandBy takes a virtual link out of service.
func (m *Memory) StandBy(name string) error {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	if i, ok := m.machine.interfaces[name]; ok && !i.down {
		i.down = true
		m.machine.writes++
	}
	return nil
}

// RetainLinks deletes every virtual link that is not listed.
func (m *Memory) RetainLinks(links []spec.VirtualLink) error {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	for _, l := range slices.Collect(maps.Values(m.machine.links)) {
		if !slices.Contains(links, l) {
			delete(m.machine.links, l.Name)
			delete(m.machine.interfaces, l.Name)
		}
	}
	return nil
}
