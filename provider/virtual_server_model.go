package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type virtualServerModel struct {
	placement
	Name             types.String      `tfsdk:"name"`
	Address          iptypes.IPAddress `tfsdk:"address"`
	Port             types.Int64       `tfsdk:"port"`
	Protocol         types.String      `tfsdk:"protocol"`
	Scheduler        types.String      `tfsdk:"scheduler"`
	ForwardingMethod types.String      `tfsdk:"forwarding_method"`
	HealthCheck      types.Object      `tfsdk:"health_check"`
	InitialState     types.String      `tfsdk:"initial_state"`
	OnFailure        types.String      `tfsdk:"on_failure"`
	Quorum           types.Object      `tfsdk:"quorum"`
	SorryServer      types.Object      `tfsdk:"sorry_server"`
}

func virtualServers() kind[spec.VirtualServer, spec.VirtualServerStatus] {
	return kind[spec.VirtualServer, spec.VirtualServerStatus]{
		kind: spec.KindVirtualServer, resource: "lvs_virtual_server", title: "Virtual Server",
		collection: (*client.Client).VirtualServers,
		find: func(s *spec.Snapshot, key string) (spec.VirtualServer, bool) {
			v, ok := s.VirtualServers[key]
			return v.Spec, ok
		},
		carries: carriesService,
	}
}

func (m *virtualServerModel) key() string { return m.Name.ValueString() }

func (m *virtualServerModel) spec(string) spec.VirtualServer {
	v := spec.DefaultVirtualServer()
	v.Address = address(m.Address)
	v.Port = number(m.Port, 0)
	v.Protocol = word(m.Protocol, v.Protocol)
	v.Scheduler = word(m.Scheduler, v.Scheduler)
	v.ForwardingMethod = word[spec.ForwardingMethod](m.ForwardingMethod, "")
	v.HealthCheck = healthCheck(m.HealthCheck)
	v.InitialState = word(m.InitialState, v.InitialState)
	v.OnFailure = word[spec.FailureAction](m.OnFailure, "")
	v.Quorum = quorum(m.Quorum)
	v.SorryServer = sorryServer(m.SorryServer)
	return v
}

func (m *virtualServerModel) variants() []string { return []string{""} }

func (m *virtualServerModel) validate(string) spec.FieldErrors {
	v := m.spec("")
	return append(spec.ValidateName(m.key()), v.Validate()...)
}

func (m *virtualServerModel) locate(_, pointer string) string { return pointer }

func (m *virtualServerModel) complete() {}

func (m *virtualServerModel) adopt(map[string]spec.VirtualServer, []string) {}

func (m *virtualServerModel) observe(actual map[string]spec.VirtualServer) {
	v := agree(m.spec(""), actual)
	m.Address = iptypes.NewIPAddressValue(v.Address.String())
	m.Port = types.Int64Value(int64(v.Port))
	m.Protocol = types.StringValue(string(v.Protocol))
	m.Scheduler = types.StringValue(v.Scheduler)
	m.ForwardingMethod = types.StringValue(string(v.ForwardingMethod))
	m.HealthCheck = healthCheckValue(v.HealthCheck, m.HealthCheck)
	m.InitialState = types.StringValue(string(v.InitialState))
	m.OnFailure = optionalWord(v.OnFailure)
	m.Quorum = quorumValue(v.Quorum)
	m.SorryServer = sorryServerValue(v.SorryServer)
}
