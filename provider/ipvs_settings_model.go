package provider

import (
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type ipvsSettingsModel struct {
	placement
	ConnectionSync    types.Object   `tfsdk:"connection_sync"`
	Timeouts          types.Object   `tfsdk:"timeouts"`
	Sysctls           types.Object   `tfsdk:"sysctls"`
	OperationTimeouts timeouts.Value `tfsdk:"operation_timeouts"`
}

func ipvsSettings() kind[spec.IPVSSettings, spec.IPVSSettingsState] {
	return kind[spec.IPVSSettings, spec.IPVSSettingsState]{
		kind: spec.KindIPVSSettings, resource: "lvs_ipvs_settings", title: "IPVS Settings",
		identity:   byID("IPVS settings: `" + spec.IPVSSettingsKey + "`"),
		collection: (*client.Client).IPVSSettings,
		find: func(s *spec.Snapshot, _ string) (spec.IPVSSettings, bool) {
			if s.IPVSSettings == nil {
				return spec.IPVSSettings{}, false
			}
			return s.IPVSSettings.Spec, true
		},
		keys: func(s *spec.Snapshot) []string {
			if s.IPVSSettings == nil {
				return nil
			}
			return []string{spec.IPVSSettingsKey}
		},
		carries: carriesAnything,
	}
}

// limits have a name of their own, for timeouts are the kernel's here.
func (m *ipvsSettingsModel) limits() (timeouts.Value, string) {
	return m.OperationTimeouts, "operation_timeouts"
}

// key is the same for all: a director has one.
func (m *ipvsSettingsModel) key() string { return spec.IPVSSettingsKey }

// spec resolves the settings for a director: its own interface.
func (m *ipvsSettingsModel) spec(director string) spec.IPVSSettings {
	v := spec.IPVSSettings{ConnectionSync: connectionSync(m.ConnectionSync), Timeouts: ipvsTimeouts(m.Timeouts), Sysctls: ipvsSysctls(m.Sysctls)}
	if own, ok := m.interfaces()[director]; ok && v.ConnectionSync != nil {
		v.ConnectionSync.Interface = own
	}
	return v
}

// interfaces are those of single directors, by name.
func (m *ipvsSettingsModel) interfaces() map[string]string {
	own := map[string]string{}
	for name, v := range attribute[types.Map](m.ConnectionSync, "interfaces").Elements() {
		own[name] = textOf(v)
	}
	return own
}

// variants are any director, and those with an interface of their own.
func (m *ipvsSettingsModel) variants() []string {
	return append([]string{""}, slices.Sorted(maps.Keys(m.interfaces()))...)
}

func (m *ipvsSettingsModel) validate(director string) spec.FieldErrors {
	v := m.spec(director)
	return v.Validate()
}

// locate finds the interface of a director where it has its own.
func (m *ipvsSettingsModel) locate(director, pointer string) string {
	if _, own := m.interfaces()[director]; own && pointer == "/connection_sync/interface" {
		return "/connection_sync/interfaces/" + director
	}
	return pointer
}

// targets are also those that an interface is named for.
func (m *ipvsSettingsModel) targets(all []string) ([]string, bool, spec.FieldErrors) {
	targets, known, errs := m.placement.targets(all)
	if !known {
		return targets, known, errs
	}
	named := slices.Sorted(maps.Keys(m.interfaces()))
	return targets, known, append(errs, strangers("/connection_sync/interfaces", named, all)...)
}

func (m *ipvsSettingsModel) complete() {}

// adopt makes the interface that most directors have the one of all.
func (m *ipvsSettingsModel) adopt(actual map[string]spec.IPVSSettings, _ []string) {
	count, most := map[string]int{}, ""
	for _, name := range slices.Sorted(maps.Keys(actual)) {
		if s := actual[name].ConnectionSync; s != nil {
			count[s.Interface]++
			if count[s.Interface] > count[most] {
				most = s.Interface
			}
		}
	}
	if most == "" {
		return
	}
	shared, own := spec.DefaultConnectionSync(), map[string]string{}
	shared.Interface = most
	for name, v := range actual {
		if s := v.ConnectionSync; s != nil && s.Interface != most {
			own[name] = s.Interface
		}
	}
	m.ConnectionSync = connectionSyncValue(&shared, own, m.ConnectionSync)
}

// observe takes over what all agree on, and the interfaces of single directors.
func (m *ipvsSettingsModel) observe(actual map[string]spec.IPVSSettings) {
	shared := m.spec("")
	own := m.interfaces()
	common := map[string]spec.IPVSSettings{}
	for name, v := range actual {
		if _, has := own[name]; has && v.ConnectionSync != nil && shared.ConnectionSync != nil {
			own[name] = v.ConnectionSync.Interface
			of := *v.ConnectionSync
			of.Interface = shared.ConnectionSync.Interface
			v.ConnectionSync = &of
		}
		common[name] = v
	}
	v := agree(shared, common)
	m.ConnectionSync = connectionSyncValue(v.ConnectionSync, own, m.ConnectionSync)
	m.Timeouts = ipvsTimeoutsValue(v.Timeouts)
	m.Sysctls = ipvsSysctlsValue(v.Sysctls)
}

var connectionSyncType = typeOf(connectionSyncAttribute)

// connectionSync reads the attribute; nil when it is left out.
func connectionSync(o types.Object) *spec.ConnectionSync {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	v := spec.DefaultConnectionSync()
	v.Interface = attribute[types.String](o, "interface").ValueString()
	v.Follow = attribute[types.String](o, "follow").ValueString()
	v.SyncID = number(attribute[types.Int64](o, "sync_id"), v.SyncID)
	if group := attribute[iptypes.IPAddress](o, "group"); !group.IsNull() && !group.IsUnknown() {
		v.Group = address(group)
	}
	v.Port = number(attribute[types.Int64](o, "port"), v.Port)
	v.TTL = number(attribute[types.Int64](o, "ttl"), v.TTL)
	v.MaxLength = number(attribute[types.Int64](o, "max_length"), 0)
	return &v
}

// connectionSyncValue returns the attribute, with the interfaces of single directors. None of those is an empty
// map where the configuration says so.
func connectionSyncValue(v *spec.ConnectionSync, own map[string]string, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(connectionSyncType().AttrTypes)
	}
	interfaces := types.MapNull(types.StringType)
	if len(own) > 0 || !attribute[types.Map](before, "interfaces").IsNull() && !before.IsNull() {
		values := map[string]attr.Value{}
		for name, iface := range own {
			values[name] = types.StringValue(iface)
		}
		interfaces = types.MapValueMust(types.StringType, values)
	}
	return types.ObjectValueMust(connectionSyncType().AttrTypes, map[string]attr.Value{
		"interface":  types.StringValue(v.Interface),
		"interfaces": interfaces,
		"follow":     textOrNull(v.Follow),
		"sync_id":    types.Int64Value(int64(v.SyncID)),
		"group":      iptypes.NewIPAddressValue(v.Group.String()),
		"port":       types.Int64Value(int64(v.Port)),
		"ttl":        types.Int64Value(int64(v.TTL)),
		"max_length": numberOrNull(v.MaxLength),
	})
}

var ipvsTimeoutsType = typeOf(ipvsTimeoutsAttribute)

// ipvsTimeouts reads the attribute; nil when it is left out.
func ipvsTimeouts(o types.Object) *spec.IPVSTimeouts {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	read := func(name string) *spec.Duration {
		const none = spec.Duration(-1)
		d := duration(attribute[timetypes.GoDuration](o, name), none, none)
		if d == none {
			return nil // left out, not known yet, or its type has complained
		}
		return &d
	}
	return &spec.IPVSTimeouts{TCP: read("tcp"), TCPFin: read("tcp_fin"), UDP: read("udp")}
}

func ipvsTimeoutsValue(v *spec.IPVSTimeouts) types.Object {
	if v == nil {
		return types.ObjectNull(ipvsTimeoutsType().AttrTypes)
	}
	value := func(d *spec.Duration) attr.Value {
		if d == nil {
			return timetypes.NewGoDurationNull()
		}
		return durationValue(*d)
	}
	return types.ObjectValueMust(ipvsTimeoutsType().AttrTypes, map[string]attr.Value{
		"tcp": value(v.TCP), "tcp_fin": value(v.TCPFin), "udp": value(v.UDP),
	})
}

var ipvsSysctlsType = typeOf(ipvsSysctlsAttribute)

// ipvsSysctls reads the attribute; nil when it is left out.
func ipvsSysctls(o types.Object) *spec.IPVSSysctls {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	on := func(name string) *bool { return attribute[types.Bool](o, name).ValueBoolPointer() }
	v := spec.IPVSSysctls{
		ExpireNodestConn: on("expire_nodest_conn"), ExpireQuiescentTemplate: on("expire_quiescent_template"),
		SloppyTCP: on("sloppy_tcp"), Conntrack: on("conntrack"), IPForward: on("ip_forward"),
	}
	if mode := attribute[types.Int64](o, "conn_reuse_mode"); !mode.IsNull() && !mode.IsUnknown() {
		v.ConnReuseMode = new(int(mode.ValueInt64()))
	}
	return &v
}

func ipvsSysctlsValue(v *spec.IPVSSysctls) types.Object {
	if v == nil {
		return types.ObjectNull(ipvsSysctlsType().AttrTypes)
	}
	mode := types.Int64Null()
	if v.ConnReuseMode != nil {
		mode = types.Int64Value(int64(*v.ConnReuseMode))
	}
	return types.ObjectValueMust(ipvsSysctlsType().AttrTypes, map[string]attr.Value{
		"expire_nodest_conn":        types.BoolPointerValue(v.ExpireNodestConn),
		"expire_quiescent_template": types.BoolPointerValue(v.ExpireQuiescentTemplate),
		"conn_reuse_mode":           mode,
		"sloppy_tcp":                types.BoolPointerValue(v.SloppyTCP),
		"conntrack":                 types.BoolPointerValue(v.Conntrack),
		"ip_forward":                types.BoolPointerValue(v.IPForward),
	})
}
