package provider

import (
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// plannedServices remembers the virtual servers of the plan that is being made. A real server that
// names one by reference is planned after it, and can be judged by what the service is going to be,
// where a director only knows what it is now.
type plannedServices struct {
	mu     sync.Mutex
	byName map[string]plannedService
	owners map[string]string // resource type of the real servers, by service
}

// own notes of which kind of resource the real servers of a virtual server are, and reports that they are of
// another kind, too.
func (p *plannedServices) own(service, resource string) spec.FieldErrors {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owners == nil {
		p.owners = map[string]string{}
	}
	if owner, owned := p.owners[service]; owned && owner != resource {
		return spec.FieldErrors{{Pointer: "/virtual_server", Detail: fmt.Sprintf(
			"virtual server %q has real servers of both kinds, lvs_real_server and lvs_real_server_group: a group owns all of them, so use one kind", service)}}
	}
	p.owners[service] = resource
	return nil
}

type plannedService struct {
	spec      spec.VirtualServer
	directors []string
}

func (p *plannedServices) add(name string, s plannedService) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = map[string]plannedService{}
	}
	p.byName[name] = s
}

func (p *plannedServices) get(name string) (plannedService, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.byName[name]
	return s, ok
}

// announce remembers what others of the plan are judged by, once all of it is known, and reports what it
// cannot be beside.
func (r *clusterResource[Spec, State, M]) announce(resp *resource.ModifyPlanResponse, m M) {
	if !decided(resp.Plan) {
		return
	}
	var errs spec.FieldErrors
	switch m := any(m).(type) {
	case *virtualServerModel:
		r.cluster.services.add(m.key(), plannedService{m.spec(""), m.placed().names()})
		errs = r.cluster.sync.service(m)
	case *vrrpInstanceModel:
		errs = r.cluster.instances.add(m)
	case *realServerModel:
		errs = append(r.cluster.sync.server(m), r.cluster.services.own(m.VirtualServer.ValueString(), r.kind.resource)...)
	case *realServerGroupModel:
		errs = r.cluster.services.own(m.key(), r.kind.resource)
	case *ipvsSettingsModel:
		errs = r.cluster.sync.settings(m)
	}
	for _, e := range errs {
		resp.Diagnostics.AddAttributeError(attributePath(resp.Plan.Schema.Type(), e.Pointer), r.unableTo("Plan"), e.Detail)
	}
}

// misfits reports why a planned real server would not belong to its planned service. judged is false
// when the service is not planned here, or not yet.
func (r *clusterResource[Spec, State, M]) misfits(m M) (errs spec.FieldErrors, judged bool) {
	var name string
	var fit func(spec.VirtualServer) spec.FieldErrors
	switch m := any(m).(type) {
	case *realServerModel:
		name = m.VirtualServer.ValueString()
		fit = func(v spec.VirtualServer) spec.FieldErrors { return v.Admit(m.addressPort(), m.spec("")) }
	case *realServerGroupModel:
		name, fit = m.key(), m.misfits
	default:
		return nil, false
	}
	service, ok := r.cluster.services.get(name)
	if !ok {
		return nil, false
	}
	if absent := without(m.placed().names(), service.directors); len(absent) > 0 {
		errs = append(errs, spec.FieldError{Pointer: "/directors", Detail: fmt.Sprintf(
			"virtual server %q is not on %s: write directors = lvs_virtual_server.….directors, with the name of that resource", name, list(absent))})
	}
	return append(errs, fit(service.spec)...), true
}
