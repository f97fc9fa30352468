package tune

import (
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// Memory is a machine that has every interface, and sysctls that nobody has touched. It may be used by several
// goroutines.
type Memory struct {
	mu      sync.Mutex
	sysctls map[string]int
	absent  map[string]bool
	anew    int
}

// NewMemory returns a machine with the kernel's defaults.
func NewMemory() *Memory {
	m := &Memory{sysctls: map[string]int{}, absent: map[string]bool{}}
	for _, f := range sysctls() {
		m.sysctls[f.key()] = 0
	}
	m.sysctls[sysctlConnReuseMode.key()] = 1
	return m
}

// Sysctl returns a setting.
func (m *Memory) Sysctl(key string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.sysctls[key]
	if !ok {
		return 0, fmt.Errorf("read %s: %w", key, fs.ErrNotExist)
	}
	return value, nil
}

// SetSysctl changes a setting, as anybody may behind the agent's back.
func (m *Memory) SetSysctl(key string, value int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.sysctls[key]; !ok {
		return fmt.Errorf("write %s: %w", key, fs.ErrNotExist)
	}
	m.sysctls[key] = value
	return nil
}

// Interface returns an interface that has an address of its own.
func (m *Memory) Interface(name string) (Interface, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.absent[name] {
		return Interface{}, fmt.Errorf("%s does not exist on this director", name)
	}
	return Interface{Index: 2 + m.anew, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 11})}}, nil
}

// Without takes sysctls, by the kernel's name, and network interfaces away.
func (m *Memory) Without(names ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		delete(m.sysctls, name)
		m.absent[name] = true
	}
}

// Renew makes all network interfaces anew.
func (m *Memory) Renew() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.anew++
}

// String prints the sysctls as sysctl does.
func (m *Memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m.sysctls)) {
		fmt.Fprintf(&b, "%s = %d\n", key, m.sysctls[key])
	}
	return b.String()
}
