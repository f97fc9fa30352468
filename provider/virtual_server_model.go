package provider

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type virtualServerModel struct {
	placement
	patience
	Name             types.String         `tfsdk:"name"`
	Address          iptypes.IPAddress    `tfsdk:"address"`
	Port             types.Int64          `tfsdk:"port"`
	FirewallMark     types.Int64          `tfsdk:"firewall_mark"`
	Family           types.String         `tfsdk:"family"`
	Protocol         types.String         `tfsdk:"protocol"`
	Scheduler        types.String         `tfsdk:"scheduler"`
	SchedulerFlags   types.Set            `tfsdk:"scheduler_flags"`
	ForwardingMethod types.String         `tfsdk:"forwarding_method"`
	Tunnel           types.Object         `tfsdk:"tunnel"`
	Persistence      types.Object         `tfsdk:"persistence"`
	OnePacket        types.Bool           `tfsdk:"one_packet"`
	HealthCheck      types.Object         `tfsdk:"health_check"`
	InitialState     types.String         `tfsdk:"initial_state"`
	OnFailure        types.String         `tfsdk:"on_failure"`
	DrainTimeout     timetypes.GoDuration `tfsdk:"drain_timeout"`
	SlowStart        timetypes.GoDuration `tfsdk:"slow_start"`
	Quorum           types.Object         `tfsdk:"quorum"`
	SorryServer      types.Object         `tfsdk:"sorry_server"`
	Notify           types.Map            `tfsdk:"notify"`

	// confided is the configuration's health_check, and webhooks are the secrets of its notify, which a plan and a
	// state do not have.
	confided types.Object
	webhooks map[string]spec.Secret
}

func virtualServers() kind[spec.VirtualServer, spec.VirtualServerStatus] {
	return kind[spec.VirtualServer, spec.VirtualServerStatus]{
		kind: spec.KindVirtualServer, resource: "lvs_virtual_server", title: "Virtual Server",
		identity:   byName("virtual server"),
		keys:       func(s *spec.Snapshot) []string { return keysOf(s.VirtualServers) },
		collection: (*client.Client).VirtualServers,
		find: func(s *spec.Snapshot, key string) (spec.VirtualServer, bool) {
			v, ok := s.VirtualServers[key]
			return v.Spec, ok
		},
		remark:  serviceRemark,
		carries: carriesService,
	}
}

func (m *virtualServerModel) key() string { return m.Name.ValueString() }

func (m *virtualServerModel) spec(string) spec.VirtualServer {
	v := spec.DefaultVirtualServer()
	v.Address = address(m.Address)
	v.Port = number(m.Port, 0)
	v.FirewallMark = int64(number(m.FirewallMark, 0))
	v.Family = word[spec.Family](m.Family, "")
	v.Protocol = word(m.Protocol, v.Protocol)
	v.Scheduler = word(m.Scheduler, v.Scheduler)
	v.SchedulerFlags = wordsOf(m.SchedulerFlags)
	v.ForwardingMethod = word[spec.ForwardingMethod](m.ForwardingMethod, "")
	v.Tunnel = tunnel(m.Tunnel)
	v.Persistence = persistence(m.Persistence)
	v.OnePacket = flag(m.OnePacket, false)
	v.HealthCheck = healthCheck(m.HealthCheck, m.confided)
	v.InitialState = word(m.InitialState, v.InitialState)
	v.DrainTimeout = duration(m.DrainTimeout, v.DrainTimeout, v.DrainTimeout)
	v.SlowStart = duration(m.SlowStart, v.SlowStart, v.SlowStart)
	v.OnFailure = word[spec.FailureAction](m.OnFailure, "")
	v.Quorum = quorum(m.Quorum)
	v.SorryServer = sorryServer(m.SorryServer)
	v.Notify = hooks(m.Notify, m.webhooks)
	return v
}

// confide takes over what only the configuration knows.
func (m *virtualServerModel) confide(config *virtualServerModel) {
	m.confided, m.webhooks = config.HealthCheck, webhookSecrets(config.Notify)
}

// open returns the spec with values in place of those that are not known yet which nothing that is known
// can be wrong with.
func (m *virtualServerModel) open() spec.VirtualServer {
	v := m.spec("")
	if m.FirewallMark.IsUnknown() && m.Address.IsNull() {
		v.FirewallMark = 1
	}
	if m.Protocol.IsUnknown() {
		v.Protocol = spec.UDP
	}
	if m.Scheduler.IsUnknown() {
		v.Scheduler = ""
	}
	return v
}

func (m *virtualServerModel) variants() []string { return []string{""} }

func (m *virtualServerModel) validate(string) spec.FieldErrors {
	v := m.open()
	return append(spec.ValidateName(m.key()), v.Validate()...)
}

func (m *virtualServerModel) locate(_, pointer string) string { return pointer }

func (m *virtualServerModel) complete() {}

func (m *virtualServerModel) adopt(map[string]spec.VirtualServer, []string) {}

func (m *virtualServerModel) observe(actual map[string]spec.VirtualServer) {
	v := agree(m.spec(""), actual)
	m.Address = addressOrNull(v.Address)
	if v.Port != 0 || m.Port.ValueInt64() != 0 {
		m.Port = numberOrNull(v.Port) // otherwise it is left out, or 0, which is the same
	}
	m.FirewallMark = numberOrNull(int(v.FirewallMark))
	m.Family = textOrNull(string(v.Family))
	m.Protocol = types.StringValue(string(v.Protocol))
	m.Scheduler = types.StringValue(v.Scheduler)
	m.SchedulerFlags = wordSet(v.SchedulerFlags)
	m.ForwardingMethod = types.StringValue(string(v.ForwardingMethod))
	m.Tunnel = tunnelValue(v.Tunnel)
	m.Persistence = persistenceValue(v.Persistence)
	m.OnePacket = types.BoolValue(v.OnePacket)
	m.HealthCheck = healthCheckValue(v.HealthCheck, m.HealthCheck)
	m.InitialState = types.StringValue(string(v.InitialState))
	m.DrainTimeout = durationValue(v.DrainTimeout)
	m.SlowStart = durationValue(v.SlowStart)
	m.OnFailure = optionalWord(v.OnFailure)
	m.Quorum = quorumValue(v.Quorum)
	m.SorryServer = sorryServerValue(v.SorryServer)
	m.Notify = hooksValue(v.Notify, m.Notify)
}

// wordsOf reads a set of words, in order.
func wordsOf(set types.Set) []string {
	var all []string
	for _, v := range set.Elements() {
		if !v.IsUnknown() {
			all = append(all, textOf(v))
		}
	}
	slices.Sort(all)
	return all
}

func wordSet(all []string) types.Set {
	values := make([]attr.Value, len(all))
	for i, v := range all {
		values[i] = types.StringValue(v)
	}
	return types.SetValueMust(types.StringType, values)
}
