package provider

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/cidrtypes"
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type vrrpInstanceModel struct {
	placement
	patience
	protocolModel
	Name                  types.String         `tfsdk:"name"`
	VirtualRouterID       types.Int64          `tfsdk:"virtual_router_id"`
	Interface             types.String         `tfsdk:"interface"`
	Priority              types.Int64          `tfsdk:"priority"`
	Preempt               types.Bool           `tfsdk:"preempt"`
	PreemptDelay          timetypes.GoDuration `tfsdk:"preempt_delay"`
	AdvertisementInterval timetypes.GoDuration `tfsdk:"advertisement_interval"`
	VirtualAddresses      types.List           `tfsdk:"virtual_addresses"`
	VirtualMAC            types.Bool           `tfsdk:"virtual_mac"`
	AcceptMode            types.Bool           `tfsdk:"accept_mode"`
	ExcludedAddresses     types.List           `tfsdk:"excluded_addresses"`
	VirtualRoutes         types.List           `tfsdk:"virtual_routes"`
	GARP                  types.Object         `tfsdk:"garp"`
	Members               types.Map            `tfsdk:"members"`
	SyncGroup             types.String         `tfsdk:"sync_group"`
	TrackScripts          types.Map            `tfsdk:"track_scripts"`
	TrackInterfaces       types.Map            `tfsdk:"track_interfaces"`
	TrackVirtualServers   types.Map            `tfsdk:"track_virtual_servers"`
	Notify                types.Map            `tfsdk:"notify"`

	// webhooks are the secrets of the configuration's notify: a plan and a state have none.
	webhooks map[string]spec.Secret
}

func vrrpInstances() kind[spec.VRRPInstance, spec.VRRPInstanceStatus] {
	return kind[spec.VRRPInstance, spec.VRRPInstanceStatus]{
		kind: spec.KindVRRPInstance, resource: "lvs_vrrp_instance", title: "VRRP Instance",
		identity:   byName("VRRP instance"),
		keys:       func(s *spec.Snapshot) []string { return keysOf(s.VRRPInstances) },
		collection: (*client.Client).VRRPInstances,
		find: func(s *spec.Snapshot, key string) (spec.VRRPInstance, bool) {
			v, ok := s.VRRPInstances[key]
			return v.Spec, ok
		},
		remark:  instanceRemark,
		carries: carriesInstance, election: routerElection(),
	}
}

func (m *vrrpInstanceModel) key() string { return m.Name.ValueString() }

// spec resolves the instance for a director: its own priority and interface, no members.
func (m *vrrpInstanceModel) spec(director string) spec.VRRPInstance {
	v := m.shared()
	v.Priority = number(m.Priority, spec.DefaultPriority)
	if !m.Members.IsNull() {
		member := entry(m.Members, director)
		v.Priority = number(attribute[types.Int64](member, "priority"), spec.DefaultPriority)
		v.Interface = word(attribute[types.String](member, "interface"), v.Interface)
	}
	m.tellUnicast(&v, director)
	return v
}

// shared is what all members have in common.
func (m *vrrpInstanceModel) shared() spec.VRRPInstance {
	v := spec.DefaultVRRPInstance()
	v.VirtualRouterID = number(m.VirtualRouterID, 0)
	v.Interface = m.Interface.ValueString()
	v.Preempt = flag(m.Preempt, v.Preempt)
	v.PreemptDelay = duration(m.PreemptDelay, v.PreemptDelay, v.PreemptDelay)
	v.AdvertisementInterval = duration(m.AdvertisementInterval, v.AdvertisementInterval, v.AdvertisementInterval)
	for _, element := range m.VirtualAddresses.Elements() {
		prefix, err := netip.ParsePrefix(textOf(element))
		if err != nil {
			prefix = netip.Prefix{} // its type has complained
		}
		v.VirtualAddresses = append(v.VirtualAddresses, prefix)
	}
	v.AcceptMode = flag(m.AcceptMode, v.AcceptMode)
	v.VirtualMAC = flag(m.VirtualMAC, v.VirtualMAC)
	m.tell(&v)
	m.readExtras(&v)
	v.GARP = garp(m.GARP)
	v.SyncGroup = m.SyncGroup.ValueString()
	v.TrackScripts = tracks(m.TrackScripts)
	v.TrackInterfaces = tracks(m.TrackInterfaces)
	v.TrackVirtualServers = tracks(m.TrackVirtualServers)
	v.Notify = hooks(m.Notify, m.webhooks)
	return v
}

func (m *vrrpInstanceModel) variants() []string {
	if members := slices.Sorted(maps.Keys(m.Members.Elements())); len(members) > 0 {
		return members
	}
	return []string{""}
}

func (m *vrrpInstanceModel) validate(director string) spec.FieldErrors {
	v := m.spec(director)
	if m.SyncGroup.IsUnknown() {
		v.SyncGroup = "unknown" // so that nothing misses it
	}
	errs := append(spec.ValidateName(m.key()), m.validateUnicast(director, v.Validate())...)
	if !m.Members.IsNull() && !m.Priority.IsNull() {
		errs = append(errs, spec.FieldError{Pointer: "/members", Detail: "priority stands at the top and members are given: a priority at the top is for one director without members"})
	}
	return errs
}

// locate finds the priority, the interface and the addresses of a director with its member, where they stand there.
func (m *vrrpInstanceModel) locate(director, pointer string) string {
	member := "/members/" + director
	if at, found := m.locateUnicast(director, pointer); found && !m.Members.IsNull() && director != "" {
		return at
	}
	switch {
	case m.Members.IsNull() || director == "":
	case pointer == "/priority":
		return member + pointer
	case pointer == "/interface":
		if own := attribute[types.String](entry(m.Members, director), "interface"); !own.IsNull() {
			return member + pointer
		}
	}
	return pointer
}

// targets of an instance are its members.
func (m *vrrpInstanceModel) targets(all []string) ([]string, bool, spec.FieldErrors) {
	switch {
	case m.Members.IsUnknown():
		return nil, false, nil
	case m.Members.IsNull() && len(all) == 1:
		return all, true, nil
	case m.Members.IsNull():
		return nil, true, spec.FieldErrors{{Pointer: "/members", Detail: fmt.Sprintf(
			"the provider has %d directors, so each that takes part needs its priority: members = { %s = { priority = 150 }, … }", len(all), all[0])}}
	case len(m.Members.Elements()) == 0:
		return nil, true, spec.FieldErrors{{Pointer: "/members", Detail: "there are none: name the directors that take part, one of " + strings.Join(all, ", ")}}
	}
	names := slices.Sorted(maps.Keys(m.Members.Elements()))
	return names, true, strangers("/members", names, all)
}

// doubts reports members of equal priority: who is active is then decided by their addresses.
func (m *vrrpInstanceModel) doubts() (doubts spec.FieldErrors) {
	members := map[int64][]string{}
	for _, name := range slices.Sorted(maps.Keys(m.Members.Elements())) {
		own := attribute[types.Int64](entry(m.Members, name), "priority")
		if !own.IsUnknown() && !entry(m.Members, name).IsUnknown() {
			priority := int64(number(own, spec.DefaultPriority))
			members[priority] = append(members[priority], name)
		}
	}
	for _, priority := range slices.Sorted(maps.Keys(members)) {
		if equal := members[priority]; len(equal) > 1 {
			doubts = append(doubts, spec.FieldError{Pointer: "/members", Detail: fmt.Sprintf(
				"%s have the same priority, %d: which of them becomes active is chance, and then up to their addresses. Give each its own.", list(equal), priority)})
		}
	}
	return doubts
}

func (m *vrrpInstanceModel) complete() {}

// adopt makes members of the directors that have the instance, unless there is only one to have it.
func (m *vrrpInstanceModel) adopt(actual map[string]spec.VRRPInstance, all []string) {
	m.Members = types.MapNull(memberType())
	if len(all) == 1 {
		return
	}
	interfaces := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(actual)) {
		of := actual[name].Interface
		interfaces[of]++
		if interfaces[of] > interfaces[m.Interface.ValueString()] {
			m.Interface = types.StringValue(of)
		}
	}
	members := map[string]attr.Value{}
	for name, v := range actual {
		own := types.StringNull()
		if v.Interface != m.Interface.ValueString() {
			own = types.StringValue(v.Interface)
		}
		members[name] = memberValue(v.Priority, own, addressValue(v.UnicastSource, iptypes.NewIPAddressNull()))
	}
	m.Members = types.MapValueMust(memberType(), members)
}

// observe takes over what all agree on, and what belongs to one director alone.
func (m *vrrpInstanceModel) observe(actual map[string]spec.VRRPInstance) {
	if m.Members.IsNull() {
		for _, v := range actual { // it is one: there are no members
			if !m.Priority.IsNull() || v.Priority != spec.DefaultPriority {
				m.Priority = types.Int64Value(int64(v.Priority))
			}
			m.Interface = types.StringValue(v.Interface)
		}
	}
	common := map[string]spec.VRRPInstance{}
	members := maps.Clone(m.Members.Elements())
	for name, v := range actual {
		if _, ok := members[name]; ok {
			own := attribute[types.String](entry(m.Members, name), "interface")
			if !own.IsNull() {
				own, v.Interface = types.StringValue(v.Interface), m.Interface.ValueString()
			}
			members[name] = memberValue(v.Priority, own, addressValue(v.UnicastSource, attribute[iptypes.IPAddress](entry(m.Members, name), "unicast_address")))
		}
		v.Priority, v.UnicastSource, v.UnicastPeers = 0, netip.Addr{}, nil
		common[name] = v
	}
	if !m.Members.IsNull() {
		m.Members = types.MapValueMust(memberType(), members)
	}

	v := m.shared()
	v.Priority = 0
	v = agree(v, common)
	m.VirtualRouterID = types.Int64Value(int64(v.VirtualRouterID))
	if v.Interface != "" || !m.Interface.IsNull() {
		m.Interface = types.StringValue(v.Interface)
	}
	m.hear(v)
	m.hearUnicast(actual)
	m.hearAdditionalPeers(actual)
	m.Preempt = types.BoolValue(v.Preempt)
	m.PreemptDelay = durationValue(v.PreemptDelay)
	m.AdvertisementInterval = durationValue(v.AdvertisementInterval)
	addresses := make([]attr.Value, len(v.VirtualAddresses))
	for i, prefix := range v.VirtualAddresses {
		addresses[i] = cidrtypes.NewIPPrefixValue(prefix.String())
	}
	m.VirtualAddresses = types.ListValueMust(cidrtypes.IPPrefixType{}, addresses)
	m.AcceptMode = types.BoolValue(v.AcceptMode)
	m.VirtualMAC = types.BoolValue(v.VirtualMAC)
	m.writeExtras(v)
	m.GARP = garpValue(v.GARP)
	m.SyncGroup = types.StringNull()
	if v.SyncGroup != "" {
		m.SyncGroup = types.StringValue(v.SyncGroup)
	}
	m.TrackScripts = trackedValue(v.TrackScripts, m.TrackScripts)
	m.TrackInterfaces = trackedValue(v.TrackInterfaces, m.TrackInterfaces)
	m.TrackVirtualServers = trackedValue(v.TrackVirtualServers, m.TrackVirtualServers)
	m.Notify = hooksValue(v.Notify, m.Notify)
}
