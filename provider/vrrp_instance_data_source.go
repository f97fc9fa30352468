package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type vrrpInstanceDataSource struct{ observer }

func newVRRPInstanceDataSource() datasource.DataSource {
	return &vrrpInstanceDataSource{observer{typeName: "lvs_vrrp_instance", title: "VRRP Instance"}}
}

type vrrpInstanceFacts struct {
	Name           string                 `tfsdk:"name"`
	ActiveDirector *string                `tfsdk:"active_director"`
	Directors      map[string]routerFacts `tfsdk:"directors"`
}

type routerFacts struct {
	State             string  `tfsdk:"state"`
	Reason            *string `tfsdk:"reason"`
	Since             *string `tfsdk:"since"`
	Priority          int64   `tfsdk:"priority"`
	EffectivePriority int64   `tfsdk:"effective_priority"`
	ActiveRouter      *string `tfsdk:"active_router"`
	Failover          bool    `tfsdk:"failover"`
}

func (*vrrpInstanceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Who is active in a virtual router, and who could be.",
		Attributes: map[string]schema.Attribute{
			"name":            schema.StringAttribute{Required: true, MarkdownDescription: "Name of the VRRP instance."},
			"active_director": schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the director that is active; null while none is, or, during a handover, more than one."},
			"directors": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The directors that have the instance and answer, by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"state":              schema.StringAttribute{Computed: true, MarkdownDescription: "`initialize`, `backup`, `active` or `fault`."},
					"reason":             schema.StringAttribute{Computed: true, MarkdownDescription: "Why it is in fault, or what a backup waits for."},
					"since":              schema.StringAttribute{Computed: true, MarkdownDescription: "Time of the last change of state (RFC 3339)."},
					"priority":           schema.Int64Attribute{Computed: true, MarkdownDescription: "Priority that it was given."},
					"effective_priority": schema.Int64Attribute{Computed: true, MarkdownDescription: "Priority with the weights of what is tracked."},
					"active_router":      schema.StringAttribute{Computed: true, MarkdownDescription: "Address of the router that it takes for the active one."},
					"failover":           schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it has handed over on request and stays away."},
				}},
			},
		},
	}
}

func (s *vrrpInstanceDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m := vrrpInstanceFacts{Directors: map[string]routerFacts{}}
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &m.Name)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	active := []string{}
	for name, snapshot := range observe(ctx, &s.observer, &resp.Diagnostics, s.cluster.names(), (*client.Client).Snapshot) {
		instance, ok := snapshot.VRRPInstances[m.Name]
		if !ok {
			continue
		}
		if instance.Status.State == spec.InstanceActive {
			active = append(active, name)
		}
		m.Directors[name] = routerOf(instance)
	}
	if len(m.Directors) == 0 {
		s.absent(&resp.Diagnostics, m.Name)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if len(active) == 1 {
		m.ActiveDirector = &active[0]
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func routerOf(instance spec.Object[spec.VRRPInstance, spec.VRRPInstanceState]) routerFacts {
	s := instance.Status
	f := routerFacts{
		State: string(s.State), Reason: unlessEmpty(s.Reason), Priority: int64(instance.Spec.Priority), EffectivePriority: int64(s.EffectivePriority),
		ActiveRouter: unlessEmpty(s.ActiveRouter), Failover: s.Failover,
	}
	if !s.Since.IsZero() {
		f.Since = unlessEmpty(s.Since.UTC().Format(time.RFC3339))
	}
	return f
}
