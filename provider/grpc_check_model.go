package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var grpcCheckType = typeOf(grpcCheckAttribute)

func grpcCheckAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The server's gRPC health service ([`grpc.health.v1`](https://grpc.io/docs/guides/health-checking/)) answers `SERVING`.",
		Attributes: map[string]schema.Attribute{
			"address": probeAddressAttribute(),
			"port":    probePortAttribute(),
			"service": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Service that is asked about, such as `shop.v1.Cart`. Left out, it is the server as a whole.",
			},
			"tls": tlsCheckAttribute("The call goes over TLS; `tls = {}` verifies the server's certificate. Left out, it goes in clear."),
		},
	}
}

// grpcCheck reads the attribute, and its secret from the configuration's.
func grpcCheck(o, config types.Object) *spec.GRPCCheck {
	return &spec.GRPCCheck{
		Address: address(attribute[iptypes.IPAddress](o, "address")),
		Port:    portOrNone(attribute[types.Int64](o, "port")),
		Service: attribute[types.String](o, "service").ValueString(),
		TLS:     tlsCheck(attribute[types.Object](o, "tls"), attribute[types.Object](config, "tls")),
	}
}

func grpcCheckValue(v spec.GRPCCheck, before types.Object) types.Object {
	return types.ObjectValueMust(grpcCheckType().AttrTypes, map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port), "service": wordAsBefore(v.Service, before, "service"),
		"tls": tlsCheckValue(v.TLS, attribute[types.Object](before, "tls")),
	})
}
