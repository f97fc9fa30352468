package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var tcpCheckType = typeOf(tcpCheckAttribute)

func tcpCheckAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A TCP connection is accepted, which is all that `tcp = {}` asks for, and the server says what is expected.",
		Attributes: map[string]schema.Attribute{
			"address": probeAddressAttribute(),
			"port":    probePortAttribute(),
			"send": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "What is sent once connected, such as `\"PING\\r\\n\"`, at most 4 KiB. Left out, nothing is.",
			},
			"expect": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Text that is in the first 64 KiB of what the server sends, at most 4 KiB. Left out, what it sends is not waited " +
					"for.",
			},
		},
	}
}

func tcpCheck(o types.Object) *spec.TCPCheck {
	return &spec.TCPCheck{
		Address: address(attribute[iptypes.IPAddress](o, "address")),
		Port:    portOrNone(attribute[types.Int64](o, "port")),
		Send:    attribute[types.String](o, "send").ValueString(),
		Expect:  attribute[types.String](o, "expect").ValueString(),
	}
}

func tcpCheckValue(v spec.TCPCheck, before types.Object) types.Object {
	return types.ObjectValueMust(tcpCheckType().AttrTypes, map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port),
		"send": wordAsBefore(v.Send, before, "send"), "expect": wordAsBefore(v.Expect, before, "expect"),
	})
}
