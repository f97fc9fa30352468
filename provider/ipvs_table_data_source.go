package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type ipvsTableDataSource struct{ observer }

func newIPVSTableDataSource() datasource.DataSource {
	return &ipvsTableDataSource{observer{typeName: "lvs_ipvs_table", title: "IPVS Table"}}
}

type tableFacts struct {
	Services map[string]kernelServiceFacts `tfsdk:"services"`
}

type kernelServiceFacts struct {
	VirtualServer  *string                           `tfsdk:"virtual_server"`
	Scheduler      string                            `tfsdk:"scheduler"`
	SchedulerFlags []string                          `tfsdk:"scheduler_flags"`
	OnePacket      bool                              `tfsdk:"one_packet"`
	Persistence    *kernelPersistenceFacts           `tfsdk:"persistence"`
	Connections    int64                             `tfsdk:"connections"`
	IncomingBytes  int64                             `tfsdk:"incoming_bytes"`
	OutgoingBytes  int64                             `tfsdk:"outgoing_bytes"`
	Destinations   map[string]kernelDestinationFacts `tfsdk:"destinations"`
}

type kernelPersistenceFacts struct {
	Timeout      string  `tfsdk:"timeout"`
	PrefixLength int64   `tfsdk:"prefix_length"`
	Engine       *string `tfsdk:"engine"`
}

type kernelDestinationFacts struct {
	ForwardingMethod      string  `tfsdk:"forwarding_method"`
	Tunnel                *string `tfsdk:"tunnel"`
	Weight                int64   `tfsdk:"weight"`
	UpperThreshold        int64   `tfsdk:"upper_threshold"`
	LowerThreshold        int64   `tfsdk:"lower_threshold"`
	ActiveConnections     int64   `tfsdk:"active_connections"`
	InactiveConnections   int64   `tfsdk:"inactive_connections"`
	PersistentConnections int64   `tfsdk:"persistent_connections"`
}

func (*ipvsTableDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What is in the directors' kernels, as `ipvsadm -Ln` shows it: every service, whoever made it.",
		Attributes: map[string]schema.Attribute{
			"directors": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The directors that answer, by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"services": schema.MapNestedAttribute{
						Computed: true, MarkdownDescription: "The services, by what the kernel knows them by: `tcp/192.0.2.100:80`, `udp/[2001:db8::1]:53`, `fwmark/5/ipv4`.",
						NestedObject: schema.NestedAttributeObject{Attributes: kernelServiceAttributes()},
					},
				}},
			},
		},
	}
}

func kernelServiceAttributes() map[string]schema.Attribute {
	number := func(description string) schema.Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"virtual_server": text("Name of the virtual server (`lvs_virtual_server`) that it is. Null for one that nobody asked the agent for, and which it never touches."),
		"scheduler":      text("Its scheduler."),
		"scheduler_flags": schema.ListAttribute{
			ElementType: types.StringType, Computed: true, MarkdownDescription: "Switches of the scheduler that are on.",
		},
		"one_packet": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether each packet is scheduled by itself."},
		"persistence": schema.SingleNestedAttribute{
			Computed: true, MarkdownDescription: "How clients are kept with their servers. Null when they are not.",
			Attributes: map[string]schema.Attribute{
				"timeout":       text("How long a client stays with its server."),
				"prefix_length": number("Clients whose addresses agree in so many bits count as one."),
				"engine":        text("What tells clients apart beside their addresses: `sip`, or null."),
			},
		},
		"connections":    number("Connections since the service was made."),
		"incoming_bytes": number("Bytes to the servers."),
		"outgoing_bytes": number("Bytes from the servers, as far as they come through the director."),
		"destinations": schema.MapNestedAttribute{
			Computed: true, MarkdownDescription: "Its destinations, by `ADDRESS:PORT`.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"forwarding_method":      text("How packets reach it: `nat`, `dr`, `tunnel`, or what only others use: `local`, `bypass`."),
				"tunnel":                 text("What packets are wrapped in, with the forwarding method `tunnel`: `ipip`, `gue` or `gre`."),
				"weight":                 number("Its weight. 0 takes no new connections."),
				"upper_threshold":        number("Number of connections from which on it gets no new ones. 0 is no limit."),
				"lower_threshold":        number("Number of connections below which it gets new ones again."),
				"active_connections":     number("Established connections."),
				"inactive_connections":   number("Connections that are closing; those of UDP, too."),
				"persistent_connections": number("Clients that persistence keeps with it."),
			}},
		},
	}
}

func (s *ipvsTableDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !s.ready(&resp.Diagnostics) {
		return
	}
	all := map[string]tableFacts{}
	for name, table := range observe(ctx, &s.observer, &resp.Diagnostics, s.cluster.names(), (*client.Client).IPVSTable) {
		all[name] = tableFactsOf(table)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("directors"), all)...)
}

func tableFactsOf(t *spec.IPVSTable) tableFacts {
	facts := tableFacts{Services: map[string]kernelServiceFacts{}}
	for key, s := range t.Services {
		f := kernelServiceFacts{
			VirtualServer: unlessEmpty(s.VirtualServer), Scheduler: s.Scheduler, SchedulerFlags: append([]string{}, s.SchedulerFlags...), OnePacket: s.OnePacket,
			Connections: int64(s.Traffic.Total.Connections), IncomingBytes: int64(s.Traffic.Total.IncomingBytes), OutgoingBytes: int64(s.Traffic.Total.OutgoingBytes),
			Destinations: map[string]kernelDestinationFacts{},
		}
		if p := s.Persistence; p != nil {
			f.Persistence = &kernelPersistenceFacts{p.Timeout.String(), int64(p.PrefixLength), unlessEmpty(p.Engine)}
		}
		for address, d := range s.Destinations {
			f.Destinations[address] = kernelDestinationFactsOf(d)
		}
		facts.Services[key] = f
	}
	return facts
}

func kernelDestinationFactsOf(d spec.KernelDestination) kernelDestinationFacts {
	f := kernelDestinationFacts{
		ForwardingMethod: d.ForwardingMethod, Weight: int64(d.Weight), UpperThreshold: int64(d.UpperThreshold), LowerThreshold: int64(d.LowerThreshold),
		ActiveConnections: int64(d.ActiveConnections), InactiveConnections: int64(d.InactiveConnections), PersistentConnections: int64(d.PersistentConnections),
	}
	if d.Tunnel != nil {
		f.Tunnel = unlessEmpty(string(d.Tunnel.Type))
	}
	return f
}
