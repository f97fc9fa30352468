package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
)

type virtualServerDataSource struct{ observer }

func newVirtualServerDataSource() datasource.DataSource {
	return &virtualServerDataSource{observer{typeName: "lvs_virtual_server", title: "Virtual Server"}}
}

type virtualServerFacts struct {
	Name      string                  `tfsdk:"name"`
	Directors map[string]serviceFacts `tfsdk:"directors"`
}

type serviceFacts struct {
	State         string                 `tfsdk:"state"`
	LiveWeight    int64                  `tfsdk:"live_weight"`
	SorryServer   bool                   `tfsdk:"sorry_server"`
	Connections   int64                  `tfsdk:"connections"`
	IncomingBytes int64                  `tfsdk:"incoming_bytes"`
	OutgoingBytes int64                  `tfsdk:"outgoing_bytes"`
	RealServers   map[string]serverFacts `tfsdk:"real_servers"`
}

type serverFacts struct {
	Healthy             bool    `tfsdk:"healthy"`
	Weight              int64   `tfsdk:"weight"`
	Reason              *string `tfsdk:"reason"`
	ActiveConnections   int64   `tfsdk:"active_connections"`
	InactiveConnections int64   `tfsdk:"inactive_connections"`
}

func (*virtualServerDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	number := func(description string) schema.Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "How a service does on each director: its servers, their health, and what the kernel counts.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name of the virtual server."},
			"directors": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The directors that have the service and answer, by name. Traffic is on the active one.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"state":          schema.StringAttribute{Computed: true, MarkdownDescription: "`up` while its servers reach its quorum, else `down`."},
					"live_weight":    number("Sum of the weights of the servers that are up."),
					"sorry_server":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the sorry server takes the place of the real servers."},
					"connections":    number("Connections since the service was made."),
					"incoming_bytes": number("Bytes to the servers."),
					"outgoing_bytes": number("Bytes from the servers, as far as they come through the director."),
					"real_servers": schema.MapNestedAttribute{
						Computed: true, MarkdownDescription: "The real servers, by `ADDRESS:PORT`.",
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"healthy":              schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether its checks pass."},
							"weight":               number("Weight in the kernel's table; 0 when it is not there."),
							"reason":               schema.StringAttribute{Computed: true, MarkdownDescription: "What the last check said."},
							"active_connections":   number("Established connections."),
							"inactive_connections": number("Connections that are closing; those of UDP, too."),
						}},
					},
				}},
			},
		},
	}
}

func (s *virtualServerDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m := virtualServerFacts{Directors: map[string]serviceFacts{}}
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &m.Name)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	for name, status := range observe(ctx, &s.observer, &resp.Diagnostics, s.cluster.names(), (*client.Client).Status) {
		service, ok := status.VirtualServers[m.Name]
		if !ok {
			continue
		}
		f := serviceFacts{
			State: service.State, LiveWeight: int64(service.LiveWeight), SorryServer: service.SorryServer, Connections: int64(service.Traffic.Total.Connections),
			IncomingBytes: int64(service.Traffic.Total.IncomingBytes), OutgoingBytes: int64(service.Traffic.Total.OutgoingBytes), RealServers: map[string]serverFacts{},
		}
		for address, server := range service.RealServers {
			f.RealServers[address] = serverFacts{
				server.Healthy, int64(server.Weight), unlessEmpty(server.Reason), int64(server.ActiveConnections), int64(server.InactiveConnections),
			}
		}
		m.Directors[name] = f
	}
	if len(m.Directors) == 0 {
		s.absent(&resp.Diagnostics, m.Name)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}
