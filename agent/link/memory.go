package link

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Memory is a machine without a kernel. Every interface exists and is up, with 127.0.0.1 as its own
// address, unless told otherwise. It needs no privileges.
type Memory struct {
	*claims
	machine *memoryDevice
	hints   chan struct{}
}

// NewMemory returns a machine that carries no virtual address, and may touch what the ledger says.
func NewMemory(l Ledger) (*Memory, error) {
	d := &memoryDevice{interfaces: map[string]*memoryInterface{}, links: map[string]spec.VirtualLink{}}
	c, err := readClaims(d, l)
	if err != nil {
		return nil, err
	}
	return &Memory{claims: c, machine: d, hints: make(chan struct{}, 1)}, nil
}

// memoryDevice is device by maps.
type memoryDevice struct {
	mu         sync.Mutex
	interfaces map[string]*memoryInterface
	routes     []spec.VirtualRoute
	refused    []netip.Addr
	links      map[string]spec.VirtualLink // by name
	announced  []string
	writes     int
}

type memoryInterface struct {
	index   int
	own     netip.Prefix
	trouble string
	// hardware is the hardware address.
	hardware string
	virtual  []netip.Prefix
	// down: a virtual link that stands by.
	down bool
}

// on returns an interface, which it makes exist. It is called with mu held.
func (d *memoryDevice) on(iface string) *memoryInterface {
	i, ok := d.interfaces[iface]
	if !ok {
		i = &memoryInterface{index: len(d.interfaces) + 1, own: netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 8), hardware: "00:00:00:00:00:00"}
		d.interfaces[iface] = i
	}
	return i
}

func (d *memoryDevice) addresses(iface string) ([]netip.Prefix, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.on(iface)
	if !i.own.IsValid() {
		return slices.Clone(i.virtual), nil
	}
	return append([]netip.Prefix{i.own}, i.virtual...), nil
}

func (d *memoryDevice) add(iface string, addresses []netip.Prefix) (added []netip.Prefix, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.on(iface)
	if i.trouble != "" {
		return nil, errors.New(i.trouble)
	}
	added = i.put(addresses)
	if i.down {
		i.down, added = false, addresses
	}
	d.writes += len(added)
	return added, nil
}

func (i *memoryInterface) put(addresses []netip.Prefix) (added []netip.Prefix) {
	for _, p := range addresses {
		if !slices.Contains(i.virtual, p) {
			i.virtual, added = append(i.virtual, p), append(added, p)
		}
	}
	return added
}

func (d *memoryDevice) remove(iface string, addresses []netip.Prefix) (gone []netip.Prefix, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, there := d.interfaces[iface]
	if !there {
		return addresses, nil
	}
	before := len(i.virtual)
	i.virtual = slices.DeleteFunc(i.virtual, func(p netip.Prefix) bool { return slices.Contains(addresses, p) })
	d.writes += before - len(i.virtual)
	return addresses, nil
}

// Source returns the index and address of an interface, or the trouble it was given. Without an IPv6
// address of its own, an interface has fe80::1.
func (m *Memory) Source(iface string, family spec.Family) (index int, primary netip.Addr, err error) {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	i := m.machine.on(iface)
	if i.trouble != "" {
		return 0, netip.Addr{}, errors.New(i.trouble)
	}
	if own := i.own.Addr(); spec.FamilyOf(own) == family {
		return i.index, own, nil
	}
	if family == spec.IPv6 {
		return i.index, netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: 1}), nil
	}
	return i.index, netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
}

// Carrier returns the trouble that an interface was given.
func (m *Memory) Carrier(iface string) error {
	_, _, err := m.Source(iface, spec.IPv4)
	return err
}

// HardwareAddress is one that nobody has: see SetHardwareAddress.
func (m *Memory) HardwareAddress(iface string) string {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	return m.machine.on(iface).hardware
}

// SetHardwareAddress gives an interface another one.
func (m *Memory) SetHardwareAddress(iface, hardware string) {
	m.change(iface, func(i *memoryInterface) { i.hardware = hardware })
}

// Owns is about an address that the machine would have.
func (m *Memory) Owns(string, netip.Addr) error { return nil }

// Watch calls changed after SetOwn and SetTrouble.
func (m *Memory) Watch(ctx context.Context, changed func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.hints:
			changed()
		}
	}
}

// Announce remembers the addresses: see Announced.
func (m *Memory) Announce(iface string, addresses []netip.Addr) error {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	for _, a := range addresses {
		m.machine.announced = append(m.machine.announced, iface+" "+a.String())
	}
	return nil
}

// Announced returns what was announced, each as "eth0 192.0.2.100".
func (m *Memory) Announced() []string {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	return slices.Clone(m.machine.announced)
}

// Writes counts the changes of addresses.
func (m *Memory) Writes() int {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	return m.machine.writes
}

// SetOwn gives an interface an address of its own.
func (m *Memory) SetOwn(iface string, own netip.Prefix) {
	m.change(iface, func(i *memoryInterface) { i.own = own })
}

// SetTrouble makes Source and adding addresses fail with these words, or succeed again with "".
func (m *Memory) SetTrouble(iface, words string) {
	m.change(iface, func(i *memoryInterface) { i.trouble = words })
}

// Steal removes an address as somebody else would.
func (m *Memory) Steal(iface string, address netip.Prefix) {
	m.change(iface, func(i *memoryInterface) {
		i.virtual = slices.DeleteFunc(i.virtual, func(p netip.Prefix) bool { return p == address })
	})
}

func (m *Memory) change(iface string, change func(*memoryInterface)) {
	m.machine.mu.Lock()
	change(m.machine.on(iface))
	m.machine.mu.Unlock()
	select {
	case m.hints <- struct{}{}:
	default:
	}
}

// String prints the addresses as "ip -br addr" does, and of a virtual link its MAC as "ip -br link" does.
func (m *Memory) String() string {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.machine.interfaces)) {
		i := m.machine.interfaces[name]
		state := "UP"
		if i.trouble != "" {
			state = "DOWN"
		}
		if i.down {
			state = "DOWN"
		}
		if l, virtual := m.machine.links[name]; virtual {
			fmt.Fprintf(&b, "%s@%s %s %s", name, l.Parent, state, l.MAC)
		} else {
			fmt.Fprintf(&b, "%s %s %s", name, state, i.own)
		}
		for _, p := range i.virtual {
			fmt.Fprintf(&b, " %s", p)
		}
		b.WriteByte('\n')
	}
	for _, a := range m.machine.refused {
		fmt.Fprintf(&b, "daddr %s drop\n", a)
	}
	return b.String()
}

// Refuse remembers the addresses that packets are not accepted for.
func (m *Memory) Refuse(addresses []netip.Addr) error {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	m.machine.refused = slices.Clone(addresses)
	return nil
}
