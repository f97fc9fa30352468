package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type realServerResource struct {
	clusterResource[spec.RealServer, spec.RealServerStatus, *realServerModel]
}

func newRealServerResource() resource.Resource {
	r := &realServerResource{}
	r.kind, r.model = realServers(), func() *realServerModel { return &realServerModel{} }
	return r
}

func (*realServerResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A server behind a virtual server. Its service, address and port are what it is: another one is another server, so each of them forces replacement.",
		Attributes: map[string]schema.Attribute{
			"virtual_server": schema.StringAttribute{
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "Name of the virtual server. Refer to it, `lvs_virtual_server.web.name`, so that Terraform knows the order.",
			},
			"address": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Required:            true,
				PlanModifiers:       []planmodifier.String{keepEqualAddress(), stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "IP address of the server, of the same family as the service's, or of any with the forwarding method `tunnel`.",
			},
			"port": schema.Int64Attribute{
				Required:      true,
				PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()},
				MarkdownDescription: "Port of the server, 1 to 65535. With the forwarding methods `dr` and `tunnel` it is the service's, " +
					"because they do not change it, and `0` for a service with a `firewall_mark` or port `0`.",
			},
			"timeouts":        timeoutsAttribute(ctx),
			"directors":       directorsAttribute(),
			"director_status": directorStatusAttribute(),
		},
	}
	maps.Copy(resp.Schema.Attributes, serverAttributes())
}

// serverAttributes is what a real server has beside its key, by itself or in a group.
func serverAttributes() map[string]schema.Attribute {
	d := spec.DefaultRealServer()
	return map[string]schema.Attribute{
		"weight": countAttribute(d.Weight, "Share of new connections, relative to the other servers: 0 to 65535. 0 takes no new ones."),
		"forwarding_method": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "How packets reach this server: " + words(spec.ForwardingMethods()) + ". Left out, as those to the others of the service.",
		},
		"tunnel": tunnelAttribute("How packets to this server are wrapped, with the forwarding method `tunnel`. Left out, as those to the others of the service."),
		"upper_threshold": countAttribute(d.UpperThreshold, "Number of connections from which on the server gets no new ones: 0 to 2147483647. 0 is no limit. "+
			"A client that persistence keeps with the server comes all the same."),
		"lower_threshold": countAttribute(d.LowerThreshold, "Number of connections below which a server that had reached `upper_threshold` gets new ones again: "+
			"less than that. 0 leaves it to the kernel: three quarters."),
		"health_check": healthCheckAttribute("How each director checks this server: at least one kind is named, and every one that is named must pass. Left out, it is checked as the service says."),
		"initial_state": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "What the server counts as until its first verdict, `down` or `up`. Left out, it is as the service says.",
		},
		"on_failure": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What becomes of the server when it fails: `remove` takes it out of the table, `quiesce` gives it weight 0. " +
				"Left out, it is as the service says. `quiesce` is refused where weight 0 does not keep clients away.",
		},
		"drain_timeout": optionalDuration("How long the server's connections are waited for when it is removed: `0s`, which removes it at once, to `24h`. Left out, it is as the service says."),
		"slow_start":    optionalDuration("How long the server's weight takes to grow when it comes up: `0s`, at once, or `1s` to `1h`. Left out, it is as the service says."),
	}
}
