package provider

import (
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/cidrtypes"
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var excludedAddressType = typeOf(excludedAddressesAttribute)

var virtualRouteType = typeOf(virtualRoutesAttribute)

func excludedAddressesAttribute() schema.Attribute {
	return schema.ListNestedAttribute{
		Optional: true,
		MarkdownDescription: "Addresses that are on the active director, too, and not in adverts: of any family, and on any interface. " +
			"With the virtual addresses at most 1000 of a family.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				CustomType:          cidrtypes.IPPrefixType{},
				Required:            true,
				PlanModifiers:       []planmodifier.String{keepEqualPrefix()},
				MarkdownDescription: "Address with prefix length, such as `198.51.100.1/24` or `2001:db8::1/64`.",
			},
			"interface": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Network interface of the directors that carries it. Left out, the one of the instance.",
			},
		}},
	}
}

func virtualRoutesAttribute() schema.Attribute {
	return schema.ListNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Routes that the active director has. In its kernel they are marked with the protocol number 112; routes of others are left alone.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"destination": schema.StringAttribute{
				CustomType:          cidrtypes.IPPrefixType{},
				Required:            true,
				PlanModifiers:       []planmodifier.String{keepEqualPrefix()},
				MarkdownDescription: "Network that the route leads to, such as `198.51.100.0/24`; `0.0.0.0/0` and `::/0` are default routes.",
			},
			"via": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Optional:            true,
				PlanModifiers:       []planmodifier.String{keepEqualAddress()},
				MarkdownDescription: "Address of the next router. Left out, the network is on the link.",
			},
			"interface": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Network interface of the directors. Left out, the one of the instance.",
			},
			"source": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Optional:            true,
				PlanModifiers:       []planmodifier.String{keepEqualAddress()},
				MarkdownDescription: "Preferred source address, usually a virtual one.",
			},
			"metric": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Metric: lower ones are preferred. Left out, the kernel's default.",
			},
			"table": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Number of the routing table. Left out, the main one.",
			},
		}},
	}
}

// readExtras reads both attributes into an instance.
func (m *vrrpInstanceModel) readExtras(v *spec.VRRPInstance) {
	for _, element := range m.ExcludedAddresses.Elements() {
		o, _ := element.(types.Object)
		v.ExcludedAddresses = append(v.ExcludedAddresses, spec.ExcludedAddress{
			Address:   prefixOf(attribute[cidrtypes.IPPrefix](o, "address")),
			Interface: attribute[types.String](o, "interface").ValueString(),
		})
	}
	for _, element := range m.VirtualRoutes.Elements() {
		o, _ := element.(types.Object)
		v.VirtualRoutes = append(v.VirtualRoutes, spec.VirtualRoute{
			Destination: prefixOf(attribute[cidrtypes.IPPrefix](o, "destination")),
			Via:         address(attribute[iptypes.IPAddress](o, "via")),
			Interface:   attribute[types.String](o, "interface").ValueString(),
			Source:      address(attribute[iptypes.IPAddress](o, "source")),
			Metric:      number(attribute[types.Int64](o, "metric"), 0),
			Table:       number(attribute[types.Int64](o, "table"), 0),
		})
	}
}

// writeExtras takes both over from an instance. None at all is an empty list where the configuration says so.
func (m *vrrpInstanceModel) writeExtras(v spec.VRRPInstance) {
	excluded := make([]attr.Value, len(v.ExcludedAddresses))
	for i, x := range v.ExcludedAddresses {
		excluded[i] = types.ObjectValueMust(excludedAddressType().AttrTypes, map[string]attr.Value{
			"address": cidrtypes.NewIPPrefixValue(x.Address.String()), "interface": textOrNull(x.Interface),
		})
	}
	m.ExcludedAddresses = listOrNull(excludedAddressType(), excluded, m.ExcludedAddresses)
	routes := make([]attr.Value, len(v.VirtualRoutes))
	for i, r := range v.VirtualRoutes {
		routes[i] = types.ObjectValueMust(virtualRouteType().AttrTypes, map[string]attr.Value{
			"destination": cidrtypes.NewIPPrefixValue(r.Destination.String()),
			"via":         addressOrNull(r.Via),
			"interface":   textOrNull(r.Interface),
			"source":      addressOrNull(r.Source),
			"metric":      numberOrNull(r.Metric),
			"table":       numberOrNull(r.Table),
		})
	}
	m.VirtualRoutes = listOrNull(virtualRouteType(), routes, m.VirtualRoutes)
}

func prefixOf(v cidrtypes.IPPrefix) netip.Prefix {
	p, err := netip.ParsePrefix(v.ValueString())
	if err != nil {
		return netip.Prefix{} // its type has complained, or it is not known yet
	}
	return p
}

func listOrNull(of types.ObjectType, elements []attr.Value, before types.List) types.List {
	if len(elements) == 0 && before.IsNull() {
		return types.ListNull(of)
	}
	return types.ListValueMust(of, elements)
}

func textOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

func numberOrNull(n int) types.Int64 {
	if n == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(int64(n))
}

func addressOrNull(a netip.Addr) iptypes.IPAddress {
	if !a.IsValid() {
		return iptypes.NewIPAddressNull()
	}
	return iptypes.NewIPAddressValue(a.String())
}
