package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type realServerGroupResource struct {
	clusterResource[spec.RealServerGroup, spec.RealServerGroupStatus, *realServerGroupModel]
}

func newRealServerGroupResource() resource.Resource {
	r := &realServerGroupResource{}
	r.kind, r.model = realServerGroups(), func() *realServerGroupModel { return &realServerGroupModel{} }
	return r
}

func (*realServerGroupResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "All real servers of a virtual server in one resource, for pools that are large: Terraform's own cost grows with the square of the number of resources. " +
			"The group owns every real server of its virtual server: `lvs_real_server` beside it is an error.",
		Attributes: map[string]schema.Attribute{
			"virtual_server": schema.StringAttribute{
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "Name of the virtual server. Refer to it, `lvs_virtual_server.web.name`, so that Terraform knows the order.",
			},
			"servers": schema.DynamicAttribute{
				CustomType:    serversType{},
				Required:      true,
				PlanModifiers: []planmodifier.Dynamic{keepEqualServers{}},
				MarkdownDescription: "The real servers, a map by `address:port` in canonical form: `192.0.2.21:80`, `[2001:db8::1]:80`. Each has the attributes of " +
					"[`lvs_real_server`](real_server.md) that are not its key, all of them optional, with the same defaults: " + serverAttributeNames() + ". Those that are taken out drain.",
			},
			"timeouts":        timeoutsAttribute(ctx),
			"directors":       directorsAttribute(),
			"director_status": directorStatusAttribute(),
		},
	}
}

func serverAttributeNames() string { return words(slices.Sorted(maps.Keys(serverAttributes()))) }
