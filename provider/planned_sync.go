package provider

import (
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// plannedSync remembers, of the plan that is being made and for each director, what the kernel does not have
// side by side: connection sync, and servers of another family than their service. Which of them is planned
// first is chance, so each looks for the other.
type plannedSync struct {
	mu      sync.Mutex
	planned map[string]spec.Desired
}

// settings notes planned settings of directors, and reports servers beside which there is no connection sync.
func (p *plannedSync) settings(m *ipvsSettingsModel) (errs spec.FieldErrors) {
	return p.note(m.placed().names(), func(director string, d *spec.Desired) spec.FieldErrors {
		v := m.spec(director)
		d.IPVSSettings = &v
		return d.FitIPVSSettings(v).Conflicts
	})
}

// service notes a planned service, and reports a sorry server that goes with no connection sync.
func (p *plannedSync) service(m *virtualServerModel) (errs spec.FieldErrors) {
	v := m.spec("")
	alone := spec.Desired{VirtualServers: map[string]spec.VirtualServer{m.key(): v}}
	return p.note(m.placed().names(), func(_ string, d *spec.Desired) spec.FieldErrors {
		d.VirtualServers[m.key()] = v
		return beside(d.IPVSSettings, alone, "/sorry_server")
	})
}

// server notes a planned real server, and reports that it goes with no connection sync. Its service is planned
// before it, if it is planned at all.
func (p *plannedSync) server(m *realServerModel) (errs spec.FieldErrors) {
	key := spec.ServerKey{VirtualServer: m.VirtualServer.ValueString(), Address: m.addressPort()}
	return p.note(m.placed().names(), func(_ string, d *spec.Desired) spec.FieldErrors {
		d.RealServers.Put(key, m.spec(""))
		service, ok := d.VirtualServers[key.VirtualServer]
		if !ok {
			return nil
		}
		service.SorryServer = nil
		return beside(d.IPVSSettings, spec.Desired{
			VirtualServers: map[string]spec.VirtualServer{key.VirtualServer: service},
			RealServers:    spec.Servers[spec.RealServer]{key.VirtualServer: {key.Address: {}}},
		}, "/address")
	})
}

// note hands out what is planned for each of the directors, and returns what is wrong on the first on which
// anything is.
func (p *plannedSync) note(directors []string, plan func(director string, d *spec.Desired) spec.FieldErrors) (errs spec.FieldErrors) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.planned == nil {
		p.planned = map[string]spec.Desired{}
	}
	for _, name := range directors {
		d, ok := p.planned[name]
		if !ok {
			d = d.Clone()
		}
		found := plan(name, &d)
		p.planned[name] = d
		if errs == nil {
			errs = found
		}
	}
	return errs
}

// beside reports why one planned object cannot be beside planned settings, at an attribute of its own.
func beside(settings *spec.IPVSSettings, object spec.Desired, pointer string) spec.FieldErrors {
	if settings == nil {
		return nil
	}
	var errs spec.FieldErrors
	for _, e := range object.FitIPVSSettings(*settings).Conflicts {
		errs = append(errs, spec.FieldError{Pointer: pointer, Detail: e.Detail})
	}
	return errs
}
