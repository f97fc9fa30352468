package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type realServerGroupModel struct {
	placement
	patience
	VirtualServer types.String `tfsdk:"virtual_server"`
	Servers       serversValue `tfsdk:"servers"`
}

func realServerGroups() kind[spec.RealServerGroup, spec.RealServerGroupStatus] {
	return kind[spec.RealServerGroup, spec.RealServerGroupStatus]{
		kind: spec.KindRealServerGroup, resource: "lvs_real_server_group", title: "Real Server Group",
		identity:   byService(),
		keys:       groupKeys,
		collection: (*client.Client).RealServerGroups,
		find: func(s *spec.Snapshot, key string) (spec.RealServerGroup, bool) {
			service := s.VirtualServers[key]
			group := spec.RealServerGroup{Servers: make(map[string]spec.RealServer, len(service.RealServers))}
			for address, server := range service.RealServers {
				group.Servers[address] = server.Spec
			}
			return group, service.RealServerGroup || len(group.Servers) > 0
		},
		judge: func(s *spec.Snapshot, key string, v spec.RealServerGroup, _ client.PutOptions) spec.Verdict {
			return others(s).FitRealServerGroup(key, v)
		},
		remark:  groupRemark,
		carries: carriesService, drains: true, rival: "lvs_real_server",
	}
}

func (m *realServerGroupModel) key() string { return m.VirtualServer.ValueString() }

func (m *realServerGroupModel) spec(string) spec.RealServerGroup {
	v, _ := decodeServers(m.Servers.Dynamic) // validate has said what is wrong
	return v
}

func (m *realServerGroupModel) variants() []string { return []string{""} }

func (m *realServerGroupModel) validate(string) spec.FieldErrors {
	var errs spec.FieldErrors
	for _, e := range spec.ValidateName(m.key()) {
		errs = append(errs, spec.FieldError{Pointer: "/virtual_server", Detail: e.Detail})
	}
	v, unreadable := decodeServers(m.Servers.Dynamic)
	if unreadable != nil {
		return append(errs, unreadable...)
	}
	return append(errs, v.Validate()...)
}

func (m *realServerGroupModel) locate(_, pointer string) string { return pointer }

func (m *realServerGroupModel) complete() {}

func (m *realServerGroupModel) adopt(map[string]spec.RealServerGroup, []string) {}

func (m *realServerGroupModel) observe(actual map[string]spec.RealServerGroup) {
	m.Servers.Dynamic = encodeServers(agree(m.spec(""), actual), m.Servers.Dynamic)
}

// misfits reports which servers would not belong to their planned service.
func (m *realServerGroupModel) misfits(service spec.VirtualServer) spec.FieldErrors {
	planned := spec.Desired{VirtualServers: map[string]spec.VirtualServer{m.key(): service}}
	return planned.FitRealServerGroup(m.key(), m.spec("")).Conflicts
}

// ownerField is what drifts where a real server belongs to another kind of resource.
const ownerField = "owner"

// unowned is the drift of a group whose servers still have owners of their own.
func unowned(s *spec.Snapshot, service string) []spec.Drift {
	v := s.VirtualServers[service]
	if v.RealServerGroup || len(v.RealServers) == 0 {
		return nil
	}
	return []spec.Drift{{Kind: spec.KindRealServerGroup, Name: service, Field: ownerField, Actual: fmt.Sprintf("each of %d servers by itself", len(v.RealServers)), Want: "the group"}}
}
