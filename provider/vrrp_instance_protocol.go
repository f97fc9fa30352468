package provider

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// protocolModel is the part of an instance that says how its adverts look and travel.
type protocolModel struct {
	Version               types.Int64  `tfsdk:"version"`
	ChecksumCompatibility types.String `tfsdk:"checksum_compatibility"`
	AuthPass              types.String `tfsdk:"auth_pass"`
	AuthPassVersion       types.Int64  `tfsdk:"auth_pass_version"`
	Unicast               types.Bool   `tfsdk:"unicast"`
	AdditionalPeers       types.List   `tfsdk:"additional_unicast_peers"`
	UnicastTTL            types.Int64  `tfsdk:"unicast_ttl"`
	UnicastMinimumTTL     types.Int64  `tfsdk:"unicast_minimum_ttl"`

	// password is the configuration's auth_pass: a plan and a state have none.
	password spec.Secret
}

func addProtocolAttributes(attributes map[string]schema.Attribute) {
	d := spec.DefaultVRRPInstance()
	maps.Copy(attributes, map[string]schema.Attribute{
		"version": countAttribute(d.Version, "Version of VRRP: `3` (RFC 9568), or `2` (RFC 3768, IPv4 only) beside routers that know no other. "+
			"An instance speaks one of them; an interval of version 2 is whole seconds."),
		"checksum_compatibility": schema.StringAttribute{
			Optional: true,
			Computed: true,
			Default:  stringdefault.StaticString(string(d.ChecksumCompatibility)),
			MarkdownDescription: "Checksum of the IPv4 adverts of version 3 that are sent: `rfc9568`, or `rfc5798`, with a pseudo-header, " +
				"which is what keepalived takes unless told otherwise. Both are understood. The default is `rfc9568`.",
		},
		"auth_pass": secretAttribute("Version 2 only: password of at most 8 bytes that adverts carry in clear (authentication type PASS). "+
			"Authentication by AH, which RFC 3768 took out of VRRP, is not spoken.", "auth_pass_version"),
		"auth_pass_version": secretVersionAttribute("auth_pass"),
		"unicast": flagAttribute(false, "Whether adverts go to the other members, each at its `unicast_address`, and not to a multicast group: "+
			"for networks that do not carry multicast. Adverts of anybody else are dropped, but for `additional_unicast_peers`."),
		"additional_unicast_peers": schema.ListAttribute{
			ElementType:   iptypes.IPAddressType{},
			Optional:      true,
			PlanModifiers: []planmodifier.List{keepEqualAddress()},
			// The framework does not ask the type of an element.
			Validators: []validator.List{listvalidator.ValueStringsAre(isAddress{})},
			MarkdownDescription: "With `unicast`: addresses of routers that are no members, such as a director that keepalived still runs on. " +
				"Every member speaks with them as with the others.",
		},
		"unicast_ttl": countAttribute(d.UnicastTTL, "TTL or hop limit of unicast adverts that are sent, 1 to 255."),
		"unicast_minimum_ttl": schema.Int64Attribute{
			Optional: true,
			MarkdownDescription: "Least TTL or hop limit that unicast adverts may arrive with, 1 to 255. Left out, it is `unicast_ttl`: " +
				"no router may be between. Lower it by one for each that is.",
		},
	})
}

// confide takes over what only the configuration knows.
func (m *vrrpInstanceModel) confide(config *vrrpInstanceModel) {
	m.password = word[spec.Secret](config.AuthPass, "")
	m.webhooks = webhookSecrets(config.Notify)
}

// tell says to a spec what all members have in common.
func (m *protocolModel) tell(v *spec.VRRPInstance) {
	v.Version = number(m.Version, v.Version)
	v.ChecksumCompatibility = word(m.ChecksumCompatibility, v.ChecksumCompatibility)
	v.AuthPass = m.password
	v.AuthPassVersion = number(m.AuthPassVersion, 0)
	v.UnicastTTL = number(m.UnicastTTL, v.UnicastTTL)
	v.UnicastMinimumTTL = number(m.UnicastMinimumTTL, 0)
}

// hear takes over what all members have in common.
func (m *protocolModel) hear(v spec.VRRPInstance) {
	m.Version = types.Int64Value(int64(v.Version))
	m.ChecksumCompatibility = types.StringValue(string(v.ChecksumCompatibility))
	m.AuthPass = types.StringNull()
	m.AuthPassVersion = unlessZero(v.AuthPassVersion, m.AuthPassVersion)
	m.UnicastTTL = types.Int64Value(int64(v.UnicastTTL))
	m.UnicastMinimumTTL = unlessZero(v.UnicastMinimumTTL, m.UnicastMinimumTTL)
}

// unlessZero is a number whose zero is to have none.
func unlessZero(n int, before types.Int64) types.Int64 {
	if n == 0 && before.IsNull() {
		return before
	}
	return types.Int64Value(int64(n))
}

// unicastAddress is that of a member, or the zero Addr while there is none to be known.
func (m *vrrpInstanceModel) unicastAddress(member string) netip.Addr {
	return address(attribute[iptypes.IPAddress](entry(m.Members, member), "unicast_address"))
}

// unicastPeer is one whom a director speaks with.
type unicastPeer struct {
	address netip.Addr
	// at is the pointer to where it stands.
	at string
}

// unicastPeers returns the other members and whoever is none, in the order of their addresses in a spec.
func (m *vrrpInstanceModel) unicastPeers(director string) (peers []unicastPeer) {
	for _, member := range slices.Sorted(maps.Keys(m.Members.Elements())) {
		if a := m.unicastAddress(member); member != director && a.IsValid() {
			peers = append(peers, unicastPeer{a, "/members/" + member + "/unicast_address"})
		}
	}
	return append(peers, m.additionalPeers()...)
}

// additionalPeers are those that are no members, as far as they are known.
func (m *vrrpInstanceModel) additionalPeers() (peers []unicastPeer) {
	for i, element := range m.AdditionalPeers.Elements() {
		if a, err := netip.ParseAddr(textOf(element)); err == nil {
			peers = append(peers, unicastPeer{a, fmt.Sprintf("/additional_unicast_peers/%d", i)})
		}
	}
	return peers
}

// tellUnicast says to a director's spec whom it speaks with.
func (m *vrrpInstanceModel) tellUnicast(v *spec.VRRPInstance, director string) {
	if !m.Unicast.ValueBool() {
		return
	}
	v.UnicastSource = m.unicastAddress(director)
	for _, peer := range m.unicastPeers(director) {
		v.UnicastPeers = append(v.UnicastPeers, peer.address)
	}
}

// hearUnicast takes over whether adverts go to peers, if all are of one mind.
func (m *vrrpInstanceModel) hearUnicast(actual map[string]spec.VRRPInstance) {
	unicasting := 0
	for _, v := range actual {
		if v.Unicasts() {
			unicasting++
		}
	}
	if m.Unicast.IsNull() || unicasting == 0 || unicasting == len(actual) {
		m.Unicast = types.BoolValue(unicasting > 0)
	}
}

// hearAdditionalPeers takes over who is a peer and no member, if all are of one mind.
func (m *vrrpInstanceModel) hearAdditionalPeers(actual map[string]spec.VRRPInstance) {
	members := map[netip.Addr]bool{}
	for member := range m.Members.Elements() {
		members[m.unicastAddress(member)] = true
	}
	for _, v := range actual {
		members[v.UnicastSource] = true
	}
	var others [][]netip.Addr
	for _, v := range actual {
		others = append(others, slices.DeleteFunc(slices.Clone(v.UnicastPeers), func(a netip.Addr) bool { return members[a] }))
	}
	if len(others) == 0 || slices.ContainsFunc(others, func(o []netip.Addr) bool { return !sameAddresses(o, others[0]) }) {
		return
	}
	var before []netip.Addr
	for _, peer := range m.additionalPeers() {
		before = append(before, peer.address)
	}
	if !m.AdditionalPeers.IsNull() && sameAddresses(others[0], before) {
		return
	}
	m.AdditionalPeers = types.ListNull(iptypes.IPAddressType{})
	if len(others[0]) > 0 || len(before) > 0 {
		elements := make([]attr.Value, len(others[0]))
		for i, a := range others[0] {
			elements[i] = iptypes.NewIPAddressValue(a.String())
		}
		m.AdditionalPeers = types.ListValueMust(iptypes.IPAddressType{}, elements)
	}
}

// sameAddresses compares lists whose order says nothing.
func sameAddresses(a, b []netip.Addr) bool {
	return slices.Equal(slices.SortedFunc(slices.Values(a), netip.Addr.Compare), slices.SortedFunc(slices.Values(b), netip.Addr.Compare))
}

// addressValue is an address as it is, in the words that stood there before if they mean the same.
func addressValue(a netip.Addr, before iptypes.IPAddress) iptypes.IPAddress {
	if !a.IsValid() || address(before) == a {
		return before
	}
	return iptypes.NewIPAddressValue(a.String())
}

// validateUnicast finds what is missing of unicast where a director's spec does not tell.
func (m *vrrpInstanceModel) validateUnicast(director string, errs spec.FieldErrors) spec.FieldErrors {
	if !m.Unicast.ValueBool() {
		if len(m.AdditionalPeers.Elements()) > 0 && !m.Unicast.IsUnknown() {
			errs = append(errs, spec.FieldError{Pointer: "/additional_unicast_peers", Detail: "peers are spoken to by unicast: set unicast = true, or leave them out"})
		}
		return errs
	}
	if m.Members.IsNull() {
		return append(errs, spec.FieldError{Pointer: "/unicast", Detail: "unicast is between members: give members, each with its unicast_address"})
	}
	alone := len(m.Members.Elements()) < 2 && !m.AdditionalPeers.IsUnknown()
	strangers := m.additionalMembers()
	errs = slices.DeleteFunc(errs, func(e spec.FieldError) bool {
		if at, found := m.locateUnicast(director, e.Pointer); found && strangers[at] != "" {
			return true // it is said better below
		}
		return e.Pointer == "/unicast_peers" && !alone // the member without an address has its own complaint
	})
	for _, at := range slices.Sorted(maps.Keys(strangers)) {
		errs = append(errs, spec.FieldError{Pointer: at, Detail: fmt.Sprintf("this is the unicast_address of member %s: list only routers that are no members", strangers[at])})
	}
	if !m.unicastAddress(director).IsValid() && !slices.ContainsFunc(errs, func(e spec.FieldError) bool { return e.Pointer == "/unicast_source" }) {
		errs = append(errs, spec.FieldError{Pointer: "/unicast_source", Detail: "unicast needs an address of the interface that adverts come from"})
	}
	return errs
}

// additionalMembers returns which of the additional peers are members after all, by pointer.
func (m *vrrpInstanceModel) additionalMembers() map[string]string {
	members := map[string]string{}
	for _, peer := range m.additionalPeers() {
		for member := range m.Members.Elements() {
			if m.unicastAddress(member) == peer.address {
				members[peer.at] = member
			}
		}
	}
	return members
}

// locateUnicast finds where an address in a director's spec stands.
func (m *vrrpInstanceModel) locateUnicast(director, pointer string) (at string, found bool) {
	if pointer == "/unicast_source" {
		return "/members/" + director + "/unicast_address", true
	}
	if pointer == "/unicast_peers" {
		return "/members", true
	}
	index, is := strings.CutPrefix(pointer, "/unicast_peers/")
	if !is {
		return "", false
	}
	peers := m.unicastPeers(director)
	if i, err := strconv.Atoi(index); err == nil && i < len(peers) {
		return peers[i].at, true
	}
	return "/members", true
}

var memberType = typeOf(membersAttribute)

func memberValue(priority int, own types.String, unicastAddress iptypes.IPAddress) attr.Value {
	return types.ObjectValueMust(memberType().AttrTypes, map[string]attr.Value{
		"priority": types.Int64Value(int64(priority)), "interface": own, "unicast_address": unicastAddress,
	})
}

// isAddress refuses what is no address.
type isAddress struct{}

func (isAddress) Description(context.Context) string { return "an address" }

func (v isAddress) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isAddress) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := netip.ParseAddr(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Unable to Validate VRRP Instance",
			fmt.Sprintf("%q is not an address: write 192.0.2.12 or 2001:db8::12", req.ConfigValue.ValueString()))
	}
}
