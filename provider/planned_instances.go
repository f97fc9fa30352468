package provider

import (
	"slices"
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// plannedInstances remembers the VRRP instances of the plan that is being made, by director. Two that are new
// are known to no director, so none could say that they are in each other's way.
type plannedInstances struct {
	mu sync.Mutex
	on map[string]map[string]spec.VRRPInstance
}

// add remembers an instance, and reports what it cannot be beside.
func (p *plannedInstances) add(m *vrrpInstanceModel) (errs spec.FieldErrors) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on == nil {
		p.on = map[string]map[string]spec.VRRPInstance{}
	}
	for _, director := range m.placed().names() {
		if p.on[director] == nil {
			p.on[director] = map[string]spec.VRRPInstance{}
		}
		planned, v := spec.Desired{VRRPInstances: p.on[director]}, m.spec(director)
		for _, e := range planned.FitVRRPInstance(m.key(), v).Conflicts {
			e.Pointer = m.locate(director, e.Pointer)
			if !slices.Contains(errs, e) {
				errs = append(errs, e)
			}
		}
		p.on[director][m.key()] = v
	}
	return errs
}
