package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var udpCheckType = typeOf(udpCheckAttribute)

func udpCheckAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "A datagram is answered as expected. Where nothing is expected (`udp = {}`), the check passes when anything comes back, or when nine " +
			"tenths of `timeout` go by without an ICMP error: a server that is switched off passes then, too, if nobody says so.",
		Attributes: map[string]schema.Attribute{
			"address": probeAddressAttribute(),
			"port":    probePortAttribute(),
			"send": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Text in the datagram, at most 4 KiB. Left out, the datagram is empty, unless there is `send_hex`.",
			},
			"send_hex": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Instead of `send`: bytes in the datagram as hexadecimal digits, such as `1b00ff`, at most 1 KiB.",
			},
			"expect": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Text that is in the first 8 KiB of the datagram that comes back, at most 4 KiB. Left out, none needs to come, unless there is `expect_hex`.",
			},
			"expect_hex": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Instead of `expect`: bytes as hexadecimal digits, at most 1 KiB.",
			},
		},
	}
}

func udpCheck(o types.Object) *spec.UDPCheck {
	return &spec.UDPCheck{
		Address:   address(attribute[iptypes.IPAddress](o, "address")),
		Port:      portOrNone(attribute[types.Int64](o, "port")),
		Send:      attribute[types.String](o, "send").ValueString(),
		SendHex:   attribute[types.String](o, "send_hex").ValueString(),
		Expect:    attribute[types.String](o, "expect").ValueString(),
		ExpectHex: attribute[types.String](o, "expect_hex").ValueString(),
	}
}

func udpCheckValue(v spec.UDPCheck, before types.Object) types.Object {
	return types.ObjectValueMust(udpCheckType().AttrTypes, map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port),
		"send": wordAsBefore(v.Send, before, "send"), "send_hex": wordAsBefore(v.SendHex, before, "send_hex"),
		"expect": wordAsBefore(v.Expect, before, "expect"), "expect_hex": wordAsBefore(v.ExpectHex, before, "expect_hex"),
	})
}
