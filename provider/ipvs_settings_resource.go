package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type ipvsSettingsResource struct {
	clusterResource[spec.IPVSSettings, spec.IPVSSettingsState, *ipvsSettingsModel]
}

func newIPVSSettingsResource() resource.Resource {
	r := &ipvsSettingsResource{}
	r.kind, r.model = ipvsSettings(), func() *ipvsSettingsModel { return &ipvsSettingsModel{} }
	return r
}

func (*ipvsSettingsResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Settings of the directors' machines that belong to IPVS: connection sync, timeouts and sysctls. A director has one such object. " +
			"What is left out is left alone; what is taken out, or destroyed, becomes what it was before.",
		Attributes: map[string]schema.Attribute{
			"connection_sync": connectionSyncAttribute(),
			"timeouts":        ipvsTimeoutsAttribute(),
			"sysctls":         ipvsSysctlsAttribute(),
			"operation_timeouts": timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, Update: true, Delete: true,
				CreateDescription: "How long the directors have to take the settings" + timeoutTail + " Then what was set becomes what it was before.",
				UpdateDescription: "How long the directors have to change them" + timeoutTail + " Then the state says how far it went, and the next apply goes on.",
				DeleteDescription: "How long the directors have to put back what was before" + timeoutTail + " Then the destroy fails, and the next one goes on.",
			}),
			"directors":       directorsAttribute(),
			"director_status": directorStatusAttribute(),
		},
	}
}

func connectionSyncAttribute() schema.Attribute {
	d := spec.DefaultConnectionSync()
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "The directors tell each other of their connections, so that one that takes over knows them: the kernel's sync daemons, master and backup. " +
			"The kernel has none beside real servers of another family than their virtual server.",
		Attributes: map[string]schema.Attribute{
			"interface": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Network interface of the directors that the messages go over, such as `eth1`. It needs an IPv4 address where `group` is an IPv4 one. Messages are not authenticated: use a network that only directors are on.",
			},
			"interfaces": schema.MapAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				MarkdownDescription: "Network interface of single directors, by the director's name, where it differs from `interface`.",
			},
			"follow": schema.StringAttribute{
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "Name of a VRRP instance: while it is active on a director, the master runs there and tells, and otherwise the backup, which hears. " +
					"Left out, both run always, as directors need that are active for different addresses at the same time.",
			},
			"sync_id": countAttribute(d.SyncID, "Id in the messages, 0 to 255: a backup hears those of its own id alone, and with 0 all. Give each pair on a network its own."),
			"group": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(d.Group.String()),
				PlanModifiers:       []planmodifier.String{keepEqualAddress()},
				MarkdownDescription: "Multicast address of the messages, IPv4 or IPv6. The default is `" + d.Group.String() + "`.",
			},
			"port": countAttribute(d.Port, "UDP port of the messages, 1 to 65535."),
			"ttl":  countAttribute(d.TTL, "TTL or hop limit of the messages, 1 to 255."),
			"max_length": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Most bytes of a message, 1024 to 65487. Left out, what fits into 1500 bytes with its headers.",
			},
		},
	}
}

func ipvsTimeoutsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "How long connections without traffic are remembered: whole seconds, `1s` to `576h`.",
		Attributes: map[string]schema.Attribute{
			"tcp":     optionalDuration("Of an established TCP connection. The kernel's own is `15m`."),
			"tcp_fin": optionalDuration("Of a TCP connection after a FIN. The kernel's own is `2m`."),
			"udp":     optionalDuration("Of a UDP flow. The kernel's own is `5m`."),
		},
	}
}

func ipvsSysctlsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Settings of the kernel by its own names, `net.ipv4.vs.*` and `net.ipv4.ip_forward`. A kernel may lack some: a plan asks the directors.",
		Attributes: map[string]schema.Attribute{
			"expire_nodest_conn":        optionalFlag("Whether connections of a real server that was removed end at once. Otherwise their packets are dropped, in case it comes back."),
			"expire_quiescent_template": optionalFlag("Whether persistence with a real server of weight 0 ends at once. Otherwise its clients go on being sent there."),
			"conn_reuse_mode": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "What becomes of a new connection from an address and port that was just in use, 0 to 3: `0` stays with the former real server, " +
					"`1` is scheduled anew (the kernel's own), `2` also when the former one is only half closed.",
			},
			"sloppy_tcp": optionalFlag("Whether any TCP packet, not only a SYN, may begin a connection, as after a takeover without connection sync."),
			"conntrack":  optionalFlag("Whether connections are kept in conntrack, too, so that netfilter's rules see them. It costs time for each packet."),
			"ip_forward": optionalFlag("Whether the machine forwards IPv4 packets, as the forwarding method `nat` needs. It is the setting of the whole machine."),
		},
	}
}

// optionalDuration is a duration that is left alone when it is left out.
func optionalDuration(description string) schema.Attribute {
	return schema.StringAttribute{
		CustomType:          timetypes.GoDurationType{},
		Optional:            true,
		PlanModifiers:       []planmodifier.String{keepEqualDuration()},
		MarkdownDescription: description,
	}
}

// optionalFlag is true or false, or left alone when it is left out.
func optionalFlag(description string) schema.Attribute {
	return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
}

// ImportState takes the one key there is.
func (r *ipvsSettingsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := req.ID
	if id == "" {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
	}
	if id != spec.IPVSSettingsKey {
		resp.Diagnostics.AddError(r.unableTo("Import"), fmt.Sprintf("%q is not their id: a director has one such object, and its id is %q", id, spec.IPVSSettingsKey))
		return
	}
	r.clusterResource.ImportState(ctx, req, resp)
}
