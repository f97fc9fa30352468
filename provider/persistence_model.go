package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var persistenceType = typeOf(persistenceAttribute)

func persistenceAttribute() schema.Attribute {
	d := spec.DefaultPersistence()
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Keeps a client with its real server: what it connects to next goes there, too. Without it each connection goes where the " +
			"scheduler sends it. `{}` has all defaults.",
		Attributes: map[string]schema.Attribute{
			"timeout": durationAttribute(d.Timeout, "How long a client stays with its server after its last connection: whole seconds, `1s` to `744h`."),
			"prefix_length": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Clients whose addresses agree in so many bits count as one: 1 to 32, for IPv6 to 128. Left out, each address is a " +
					"client of its own.",
			},
			"engine": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "What tells clients apart beside their addresses: `sip`, for UDP alone, goes by the Call-ID. Left out, nothing does.",
			},
		},
	}
}

// persistence reads the attribute; nil when it is left out. What is not known yet will be some.
func persistence(o types.Object) *spec.Persistence {
	if o.IsNull() {
		return nil
	}
	v := spec.DefaultPersistence()
	v.Timeout = duration(attribute[timetypes.GoDuration](o, "timeout"), v.Timeout, v.Timeout)
	v.PrefixLength = number(attribute[types.Int64](o, "prefix_length"), 0)
	v.Engine = word(attribute[types.String](o, "engine"), "")
	return &v
}

func persistenceValue(v *spec.Persistence) types.Object {
	if v == nil {
		return types.ObjectNull(persistenceType().AttrTypes)
	}
	return types.ObjectValueMust(persistenceType().AttrTypes, map[string]attr.Value{
		"timeout": durationValue(v.Timeout), "prefix_length": numberOrNull(v.PrefixLength), "engine": textOrNull(v.Engine),
	})
}
