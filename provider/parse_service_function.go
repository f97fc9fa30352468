package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type parseServiceFunction struct{}

func newParseServiceFunction() function.Function { return parseServiceFunction{} }

func (parseServiceFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_service"
}

func (parseServiceFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Take the name of a service apart",
		MarkdownDescription: "Returns the attributes of `lvs_virtual_server` that identify a service: `protocol`, `address` and `port` of `tcp:192.0.2.1:80` " +
			"or `udp:[2001:db8::1]:53`, or `firewall_mark` and `family` of `fwmark:5` or `fwmark:5:ipv6`. The others are null.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "service", MarkdownDescription: "Protocol, address and port, or a firewall mark."},
		},
		Return: function.ObjectReturn{AttributeTypes: serviceTypes()},
	}
}

func serviceTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"protocol": types.StringType, "address": types.StringType, "port": types.Int64Type,
		"firewall_mark": types.Int64Type, "family": types.StringType,
	}
}

func (parseServiceFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	v, err := spec.ParseService(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	service := map[string]attr.Value{
		"protocol": types.StringNull(), "address": types.StringNull(), "port": types.Int64Null(),
		"firewall_mark": types.Int64Null(), "family": types.StringNull(),
	}
	if v.FirewallMark != 0 {
		service["firewall_mark"], service["family"] = types.Int64Value(v.FirewallMark), types.StringValue(string(v.Family))
	} else {
		service["protocol"], service["address"], service["port"] = types.StringValue(string(v.Protocol)), types.StringValue(v.Address.String()), types.Int64Value(int64(v.Port))
	}
	resp.Error = resp.Result.Set(ctx, types.ObjectValueMust(serviceTypes(), service))
}
