package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var pingCheckType = typeOf(pingCheckAttribute)

func pingCheckAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "An echo request (ICMP or ICMPv6) is answered. It shows that the machine is there, and nothing of the service: best beside another " +
			"kind.",
		Attributes: map[string]schema.Attribute{"address": probeAddressAttribute()},
	}
}

func pingCheck(o types.Object) *spec.PingCheck {
	return &spec.PingCheck{Address: address(attribute[iptypes.IPAddress](o, "address"))}
}

func pingCheckValue(v spec.PingCheck) types.Object {
	return types.ObjectValueMust(pingCheckType().AttrTypes, map[string]attr.Value{"address": addressOrNull(v.Address)})
}
