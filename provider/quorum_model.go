package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var quorumType = typeWith(quorumAttributes)

func quorumAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		Computed: true,
		Default:  objectdefault.StaticValue(quorumValue(spec.DefaultQuorum())),
		MarkdownDescription: "How many of the real servers must be up for the service to be up, in units of their weights. The service comes up at " +
			"`weight` + `hysteresis`, and goes down below `weight` - `hysteresis` and always when nobody is left. What tracks the service " +
			"(`track_virtual_servers` of `lvs_vrrp_instance`) goes by it.",
		Attributes: quorumAttributes(),
	}
}

func quorumAttributes() map[string]schema.Attribute {
	d := spec.DefaultQuorum()
	return map[string]schema.Attribute{
		"weight": countAttribute(d.Weight, "Sum of the weights of the servers that are up from which the service is up: 1 to 2147483647."),
		"hysteresis": countAttribute(d.Hysteresis, "That much more brings the service up, and that much less takes it down, so that one "+
			"server that comes and goes does not take the service along: 0 or more, less than `weight`."),
	}
}

// quorum reads the attribute.
func quorum(o types.Object) spec.Quorum {
	q := spec.DefaultQuorum()
	if o.IsNull() || o.IsUnknown() {
		return q
	}
	weight, hysteresis := attribute[types.Int64](o, "weight"), attribute[types.Int64](o, "hysteresis")
	q.Hysteresis = number(hysteresis, q.Hysteresis)
	if weight.IsUnknown() {
		q.Weight = max(q.Weight, q.Hysteresis+1) // whatever it will be, the hysteresis may be right
		return q
	}
	q.Weight = number(weight, q.Weight)
	return q
}

func quorumValue(q spec.Quorum) types.Object {
	return types.ObjectValueMust(quorumType().AttrTypes, map[string]attr.Value{
		"weight":     types.Int64Value(int64(q.Weight)),
		"hysteresis": types.Int64Value(int64(q.Hysteresis)),
	})
}

var sorryServerType = typeOf(sorryServerAttribute)

func sorryServerAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Takes the place of the real servers while the quorum is lost. Their established connections may finish as those of a " +
			"server that fails. It is not checked. Without it the real servers stay as they are.",
		Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Required:            true,
				PlanModifiers:       []planmodifier.String{keepEqualAddress()},
				MarkdownDescription: "IP address of the sorry server, which is none of the service's real servers.",
			},
			"port": schema.Int64Attribute{
				Required:            true,
				MarkdownDescription: "Port of the sorry server. With the forwarding methods `dr` and `tunnel` it is the service's.",
			},
			"forwarding_method": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "How packets reach it: " + words(spec.ForwardingMethods()) + ". Left out, it is the service's.",
			},
		},
	}
}

// sorryServer reads the attribute; nil when it is left out, or nothing is known of it yet.
func sorryServer(o types.Object) *spec.SorryServer {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	return &spec.SorryServer{
		Address:          address(attribute[iptypes.IPAddress](o, "address")),
		Port:             number(attribute[types.Int64](o, "port"), 0),
		ForwardingMethod: word[spec.ForwardingMethod](attribute[types.String](o, "forwarding_method"), ""),
	}
}

// sorryServerValue returns the attribute.
func sorryServerValue(v *spec.SorryServer) types.Object {
	if v == nil {
		return types.ObjectNull(sorryServerType().AttrTypes)
	}
	return types.ObjectValueMust(sorryServerType().AttrTypes, map[string]attr.Value{
		"address":           iptypes.NewIPAddressValue(v.Address.String()),
		"port":              types.Int64Value(int64(v.Port)),
		"forwarding_method": optionalWord(v.ForwardingMethod),
	})
}
