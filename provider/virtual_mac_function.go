package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type virtualMACFunction struct{}

func newVirtualMACFunction() function.Function { return virtualMACFunction{} }

func (virtualMACFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "virtual_mac"
}

func (virtualMACFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             "MAC address of a virtual router",
		MarkdownDescription: "Returns the MAC address that RFC 9568 gives to a virtual router: `00:00:5e:00:01:33` for IPv4 and the id 51. A switch or a firewall may have to know it.",
		Parameters: []function.Parameter{
			function.Int64Parameter{Name: "virtual_router_id", MarkdownDescription: "VRID, 1 to 255."},
			function.StringParameter{Name: "family", MarkdownDescription: "`ipv4` or `ipv6`."},
		},
		Return: function.StringReturn{},
	}
}

func (virtualMACFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var id int64
	var family string
	if resp.Error = req.Arguments.Get(ctx, &id, &family); resp.Error != nil {
		return
	}
	switch {
	case id < 1 || id > 255:
		resp.Error = function.NewArgumentFuncError(0, fmt.Sprintf("%d is out of range: use 1 to 255", id))
	case family != string(spec.IPv4) && family != string(spec.IPv6):
		resp.Error = function.NewArgumentFuncError(1, fmt.Sprintf("%q is no family: use ipv4 or ipv6", family))
	default:
		resp.Error = resp.Result.Set(ctx, spec.VirtualMAC(int(id), spec.Family(family)))
	}
}
