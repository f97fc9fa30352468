package link

import (
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// EnsureRoutes remembers the routes.
func (m *Memory) EnsureRoutes(routes []spec.VirtualRoute) error {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	for _, r := range routes {
		if !slices.Contains(m.machine.routes, r) {
			m.machine.routes = append(m.machine.routes, r)
			m.machine.writes++
		}
	}
	return nil
}

// RemoveRoutes forgets routes.
func (m *Memory) RemoveRoutes(routes []spec.VirtualRoute) error {
	m.machine.dropRoutes(func(r spec.VirtualRoute) bool { return slices.Contains(routes, r) })
	return nil
}

// RetainRoutes forgets all other routes.
func (m *Memory) RetainRoutes(routes []spec.VirtualRoute) error {
	m.machine.dropRoutes(func(r spec.VirtualRoute) bool { return !slices.Contains(routes, r) })
	return nil
}

// Routes returns the routes there are.
func (m *Memory) Routes() []spec.VirtualRoute {
	m.machine.mu.Lock()
	defer m.machine.mu.Unlock()
	return slices.Clone(m.machine.routes)
}

func (d *memoryDevice) dropRoutes(drop func(spec.VirtualRoute) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.routes)
	d.routes = slices.DeleteFunc(d.routes, drop)
	d.writes += before - len(d.routes)
}
