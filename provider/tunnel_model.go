package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var tunnelType = typeOf(func() schema.Attribute { return tunnelAttribute("") })

func tunnelAttribute(description string) schema.Attribute {
	d := spec.DefaultTunnelOptions()
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"type": wordAttribute(string(d.Type), "What packets are wrapped in: "+words(spec.TunnelTypes())+"."),
			"port": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "UDP port on which the real servers take `gue`, 1 to 65535: needed there, and refused elsewhere.",
			},
			"checksum": wordAttribute(string(d.Checksum), "Checksum of the wrapping: `none`, `checksum`, or, for `gue`, `remote_checksum`, which leaves "+
				"the inner one to the real server. `ipip` has none."),
		},
	}
}

// tunnel reads the attribute; nil when it is left out, or nothing is known of it yet.
func tunnel(o types.Object) *spec.TunnelOptions {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	v := spec.DefaultTunnelOptions()
	v.Port = number(attribute[types.Int64](o, "port"), 0)
	v.Checksum = word(attribute[types.String](o, "checksum"), v.Checksum)
	kind := attribute[types.String](o, "type")
	if v.Type = word(kind, v.Type); kind.IsUnknown() {
		v.Type = "" // whatever it will be, the rest may be right
	}
	return &v
}

func tunnelValue(v *spec.TunnelOptions) types.Object {
	if v == nil {
		return types.ObjectNull(tunnelType().AttrTypes)
	}
	return types.ObjectValueMust(tunnelType().AttrTypes, map[string]attr.Value{
		"type": types.StringValue(string(v.Type)), "port": numberOrNull(v.Port), "checksum": types.StringValue(string(v.Checksum)),
	})
}
