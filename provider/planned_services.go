package provider

import (
	"context"
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
func (r *clusterResource[Spec, State, M]) announce(ctx context.Context, resp *resource.ModifyPlanResponse, m M) {
	if !decided(ctx, resp.Plan) {
		return
	}
	var errs spec.FieldErrors
	switch m := any(m).(type) {
	case *virtualServerModel:
		r.cluster.services.add(m.key(), plannedService{m.spec(""), m.placed().names()})
		errs = r.cluster.sync.service(m)
	case *realServerModel:
		errs = r.cluster.sync.server(m)
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
	server, ok := any(m).(*realServerModel)
	if !ok {
		return nil, false
	}
	name := server.VirtualServer.ValueString()
	service, ok := r.cluster.services.get(name)
	if !ok {
		return nil, false
	}
	if absent := without(server.placed().names(), service.directors); len(absent) > 0 {
		errs = append(errs, spec.FieldError{Pointer: "/directors", Detail: fmt.Sprintf(
			"virtual server %q is not on %s: write directors = lvs_virtual_server.….directors, with the name of that resource", name, list(absent))})
	}
	return append(errs, service.spec.Admit(server.addressPort(), server.spec(""))...), true
}
