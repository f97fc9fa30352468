package provider

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/cidrtypes"
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type vrrpInstanceResource struct {
	clusterResource[spec.VRRPInstance, spec.VRRPInstanceStatus, *vrrpInstanceModel]
}

func newVRRPInstanceResource() resource.Resource {
	r := &vrrpInstanceResource{}
	r.kind, r.model = vrrpInstances(), func() *vrrpInstanceModel { return &vrrpInstanceModel{} }
	return r
}

func (*vrrpInstanceResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	d := spec.DefaultVRRPInstance()
	resp.Schema = schema.Schema{
		MarkdownDescription: "A virtual router (VRRP, RFC 9568): addresses that are on exactly one of several directors. " +
			"It is one object for all of them, so its addresses and its id cannot differ between two directors.",
		Attributes: map[string]schema.Attribute{
			"name": nameAttribute("VRRP instance"),
			"virtual_router_id": schema.Int64Attribute{
				Required:            true,
				MarkdownDescription: "VRID, 1 to 255: the same on every router of the virtual router, and used by one virtual router only on a network, or by one of IPv4 and one of IPv6.",
			},
			"interface": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Network interface of the directors that adverts are sent from and that carries the virtual addresses, such as `eth0`. " +
					"A member may override it; a member that does not needs it.",
			},
			"priority": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Priority of the director, 1 to 255, where the provider has only one and `members` is left out; the default there is `100`. " +
					"With `members` each has its own.",
			},
			"preempt": flagAttribute(d.Preempt,
				"Whether a director takes over from an active one of lower priority. An active director yields to a higher priority in any case."),
			"preempt_delay": durationAttribute(d.PreemptDelay,
				"How long an active director of lower priority is left alone, from when it is first heard: `0s` to `1000s`. One that stops or dies is replaced without delay."),
			"advertisement_interval": durationAttribute(d.AdvertisementInterval,
				"Time between two adverts: `10ms` to `40.95s` in steps of `10ms`, in version 2 `1s` to `255s` in whole seconds. Takeover after a crash takes a little over three of them."),
			"virtual_addresses": schema.ListAttribute{
				ElementType:   cidrtypes.IPPrefixType{},
				Required:      true,
				PlanModifiers: []planmodifier.List{keepEqualPrefix()},
				// The framework does not ask the type of an element.
				Validators: []validator.List{listvalidator.ValueStringsAre(isPrefix{})},
				MarkdownDescription: "Addresses with prefix length, such as `192.0.2.100/24`, that are on the active director: 1 to 255, " +
					"in the order in which adverts carry them, all IPv4 or all IPv6. The first IPv6 address is link-local, such as `fe80::33/64`.",
			},
			"virtual_mac": flagAttribute(d.VirtualMAC,
				"Whether the addresses have the virtual router's own MAC, `00:00:5e:00:01:VRID` for IPv4 and `00:00:5e:00:02:VRID` for IPv6, instead of the director's. "+
					"What neighbours have learnt then stays right in a takeover, which brings up an interface that has the addresses already. "+
					"The network must let directors send from more than one MAC: many hypervisors and clouds do not."),
			"accept_mode": flagAttribute(d.AcceptMode,
				"Whether the active director takes packets to the virtual addresses, as one that has services on them must (RFC 9568's Accept_Mode, whose default there is `false`). "+
					"With `false`, of version 3 alone, they are dropped, but for neighbour discovery; an owner (priority 255) takes them in any case."),
			"excluded_addresses": excludedAddressesAttribute(),
			"virtual_routes":     virtualRoutesAttribute(),
			"garp":               garpAttribute(),
			"members":            membersAttribute(),
			"sync_group": schema.StringAttribute{
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "Name that instances share which are active together or not at all: 1 to 63 of `a-z`, `0-9`, `_`, `.` and `-`. " +
					"A group exists while an instance names it.",
			},
			"track_scripts":         trackAttribute("Check scripts (`lvs_check_script`)", "its last runs exited with 0"),
			"track_interfaces":      trackAttribute("Network interfaces of the directors", "it is up and has a carrier"),
			"track_virtual_servers": trackAttribute("Virtual servers (`lvs_virtual_server`)", "its state is `up`"),
			"notify": notifyAttribute("the instance", spec.InstanceStates(), "What a program is given after its own arguments: `event`, nothing, for the notification is its input as JSON; "+
				"`keepalived`, as its notify scripts are, `INSTANCE name MASTER 150`; `keepalived_group`, of an instance in a sync group, `GROUP group MASTER 0`. "+
				"The states there are `MASTER`, `BACKUP`, `FAULT` and `STOP`."),
			"timeouts": timeoutsAttribute(ctx),
			"directors": schema.SetAttribute{
				ElementType: types.StringType,
				Computed:    true,
				MarkdownDescription: "Names of the directors that have this instance: its members. " +
					"Others can refer to it: `directors = lvs_vrrp_instance.web.directors`.",
			},
			"director_status": directorStatusAttribute(),
		},
	}
	addProtocolAttributes(resp.Schema.Attributes)
}

func membersAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "The directors that take part, by name. Required when the provider has more than one director; " +
			"whoever is not named has nothing to do with the virtual router.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"priority": countAttribute(spec.DefaultVRRPInstance().Priority, "1 to 254: the director with the highest priority among those that are alive becomes active. Give each its own. "+
				"255 is for the owner of the virtual addresses: its interface has them as its own, which stay there, and it is active whenever it is alive."),
			"interface": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Network interface on this director, where it differs from the instance's `interface`.",
			},
			"unicast_address": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Optional:            true,
				MarkdownDescription: "With `unicast`: address of the interface that this director's adverts come from, and at which the others reach it.",
			},
		}},
	}
}

// isPrefix refuses what is no address with a prefix length.
type isPrefix struct{}

func (isPrefix) Description(context.Context) string { return "an address with a prefix length" }

func (v isPrefix) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isPrefix) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := netip.ParsePrefix(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Unable to Validate VRRP Instance",
			fmt.Sprintf("%q is not an address with a prefix length: write 192.0.2.100/24", req.ConfigValue.ValueString()))
	}
}
