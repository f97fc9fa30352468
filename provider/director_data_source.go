package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// directorDataSource is one director, directorsDataSource all of them.
type directorDataSource struct{ observer }

type directorsDataSource struct{ observer }

func newDirectorDataSource() datasource.DataSource {
	return &directorDataSource{observer{typeName: "lvs_director", title: "Director"}}
}

func newDirectorsDataSource() datasource.DataSource {
	return &directorsDataSource{observer{typeName: "lvs_directors", title: "Directors"}}
}

type directorModel struct {
	Name string `tfsdk:"name"`
	directorFacts
}

// directorFacts are null where the director does not answer.
type directorFacts struct {
	Reachable     bool                      `tfsdk:"reachable"`
	Version       *string                   `tfsdk:"version"`
	Dataplane     *string                   `tfsdk:"dataplane"`
	KernelRelease *string                   `tfsdk:"kernel_release"`
	IPVS          *ipvsFacts                `tfsdk:"ipvs"`
	Interfaces    map[string]interfaceFacts `tfsdk:"interfaces"`
	Schedulers    []string                  `tfsdk:"schedulers"`
	WakeUpJitter  *string                   `tfsdk:"wake_up_jitter"`
	Drift         []driftFacts              `tfsdk:"drift"`
}

type ipvsFacts struct {
	Available       bool     `tfsdk:"available"`
	Version         *string  `tfsdk:"version"`
	Reason          *string  `tfsdk:"reason"`
	ForeignServices []string `tfsdk:"foreign_services"`
}

type interfaceFacts struct {
	Up        bool     `tfsdk:"up"`
	Running   bool     `tfsdk:"running"`
	Addresses []string `tfsdk:"addresses"`
}

type driftFacts struct {
	Kind   string  `tfsdk:"kind"`
	Name   string  `tfsdk:"name"`
	Server *string `tfsdk:"server"`
	Field  string  `tfsdk:"field"`
	Actual string  `tfsdk:"actual"`
	Want   string  `tfsdk:"want"`
}

func factsAttributes() map[string]schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	flag := func(description string) schema.Attribute {
		return schema.BoolAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"reachable":      flag("Whether it answers. With `on_unreachable = \"error\"` one that does not is an error; with `warn` all else is null then."),
		"version":        text("Version of its agent."),
		"dataplane":      text("`kernel`, or `memory` for an agent that only plays."),
		"kernel_release": text("Release of its kernel, as `uname -r` prints it."),
		"ipvs": schema.SingleNestedAttribute{
			Computed: true, MarkdownDescription: "The kernel's IPVS.",
			Attributes: map[string]schema.Attribute{
				"available": flag("Whether the kernel balances at all."),
				"version":   text("Its version, such as `1.2.1`."),
				"reason":    text("Why it is not available, and what to load."),
				"foreign_services": schema.ListAttribute{
					ElementType: types.StringType, Computed: true,
					MarkdownDescription: "Services in the kernel's table that nobody asked the agent for, such as `tcp/192.0.2.200:80`. They are never touched.",
				},
			},
		},
		"interfaces": schema.MapNestedAttribute{
			Computed: true, MarkdownDescription: "Network interfaces of the machine, by name.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"up":        flag("Whether it is switched on."),
				"running":   flag("Whether it has a carrier."),
				"addresses": schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "Addresses with prefix length that are on it now, virtual ones included."},
			}},
		},
		"schedulers": schema.ListAttribute{
			ElementType: types.StringType, Computed: true,
			MarkdownDescription: "IPVS schedulers that its kernel has or could load. Null where its agent cannot tell: it reads them in `/lib/modules`.",
		},
		"wake_up_jitter": text("How late the machine woke a real-time thread at most in the last five minutes, such as `1.2ms`: adverts are that late. Null where it is not measured."),
		"drift": schema.ListNestedAttribute{
			Computed: true, MarkdownDescription: "What is in the kernel and should be otherwise.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"kind":   text("Kind of the object, such as `real_server`."),
				"name":   text("Name of the object; of a real server that of its virtual server."),
				"server": text("`ADDRESS:PORT` of a real server."),
				"field":  text("What differs."),
				"actual": text("What is there."),
				"want":   text("What should be."),
			}},
		},
	}
}

func (*directorDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := factsAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name of the director in the provider; `default` for a provider with one `endpoint`."},
	})
	resp.Schema = schema.Schema{MarkdownDescription: "What a director is, and what is not as it should be there.", Attributes: attributes}
}

func (*directorsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "All directors of the provider, each as `lvs_director` has it.",
		Attributes: map[string]schema.Attribute{
			"directors": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The directors, by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: factsAttributes()},
			},
		},
	}
}

func (s *directorDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m directorModel
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &m.Name)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	seen := observe(ctx, &s.observer, &resp.Diagnostics, []string{m.Name}, (*client.Client).Status)
	if resp.Diagnostics.HasError() {
		return
	}
	m.directorFacts = factsOf(seen[m.Name])
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (s *directorsDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !s.ready(&resp.Diagnostics) {
		return
	}
	seen := observe(ctx, &s.observer, &resp.Diagnostics, s.cluster.names(), (*client.Client).Status)
	if resp.Diagnostics.HasError() {
		return
	}
	all := map[string]directorFacts{}
	for _, name := range s.cluster.names() {
		all[name] = factsOf(seen[name])
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("directors"), all)...)
}

// factsOf is all null for a director that did not answer.
func factsOf(s *spec.Status) directorFacts {
	if s == nil {
		return directorFacts{}
	}
	f := directorFacts{
		Reachable: true, Version: &s.Version, Dataplane: &s.Dataplane, KernelRelease: unlessEmpty(s.Facts.KernelRelease),
		IPVS:       &ipvsFacts{s.IPVS.Available, unlessEmpty(s.IPVS.Version), unlessEmpty(s.IPVS.Reason), append([]string{}, s.IPVS.ForeignServices...)},
		Interfaces: map[string]interfaceFacts{}, Schedulers: s.Facts.Schedulers, WakeUpJitter: jitter(s.Facts.WakeUpJitter), Drift: []driftFacts{},
	}
	for name, i := range s.Facts.Interfaces {
		one := interfaceFacts{Up: i.Up, Running: i.Running, Addresses: []string{}}
		for _, p := range i.Addresses {
			one.Addresses = append(one.Addresses, p.String())
		}
		f.Interfaces[name] = one
	}
	for _, d := range s.Drift {
		if d.Repaired.IsZero() {
			f.Drift = append(f.Drift, driftFacts{string(d.Kind), d.Name, unlessEmpty(d.Server), d.Field, d.Actual, d.Want})
		}
	}
	return f
}

// jitter is null where it is not measured.
func jitter(d spec.Duration) *string {
	if d == 0 {
		return nil
	}
	return new(d.String())
}
