package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type virtualServerResource struct {
	clusterResource[spec.VirtualServer, spec.VirtualServerStatus, *virtualServerModel]
}

func newVirtualServerResource() resource.Resource {
	r := &virtualServerResource{}
	r.kind, r.model = virtualServers(), func() *virtualServerModel { return &virtualServerModel{} }
	return r
}

func (*virtualServerResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	d := spec.DefaultVirtualServer()
	resp.Schema = schema.Schema{
		MarkdownDescription: "A service of the directors: an address and port, and how connections to it are spread over real servers (`lvs_real_server`) by the kernel's IPVS.",
		Attributes: map[string]schema.Attribute{
			"name": nameAttribute("virtual server"),
			"address": schema.StringAttribute{
				CustomType:          iptypes.IPAddressType{},
				Optional:            true,
				PlanModifiers:       []planmodifier.String{keepEqualAddress()},
				MarkdownDescription: "Virtual IP address of the service, without a prefix length. A VRRP instance (`lvs_vrrp_instance`) usually carries it. Needed, unless there is a `firewall_mark`.",
			},
			"port": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Port of the service, 1 to 65535, needed with an `address`. `0`, with `persistence` alone, is every port of the address " +
					"that no other service has.",
			},
			"firewall_mark": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Instead of `address` and `port`: what the directors' firewall has marked with this number, 1 to 4294967295, so that many " +
					"addresses and ports are one service. Setting the mark is the firewall's own business.",
			},
			"family": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Family of what the firewall has marked, `ipv4` or `ipv6`: needed with a `firewall_mark`. The same mark may be two services, one of each family.",
			},
			"protocol": wordAttribute(string(d.Protocol), "Transport protocol: "+words(spec.Protocols())+". With a `firewall_mark` it is no part of what the service is "+
				"known by; there it says what is marked, if that is of one protocol."),
			"scheduler": wordAttribute(d.Scheduler, "IPVS scheduler, by the kernel's name: "+words(spec.Schedulers())+
				". A kernel may lack some: a plan asks the directors."),
			"scheduler_flags": schema.SetAttribute{
				ElementType: types.StringType,
				Optional:    true,
				Computed:    true,
				Default:     setdefault.StaticValue(wordSet(nil)),
				MarkdownDescription: "Switches of the schedulers `sh` and `mh`: " + words(spec.SchedulerFlags()) + ". With `…-fallback` a client whose server has " +
					"weight 0 goes to another one, instead of nowhere; with `…-port` its port counts beside its address.",
			},
			"forwarding_method": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "How packets reach the real servers: " + words(spec.ForwardingMethods()) + ". There is no default, because each needs " +
					"the real servers set up its own way. `dr` and `tunnel` keep the port: a real server's must be the service's. A real server may have " +
					"a method of its own.",
			},
			"tunnel":      tunnelAttribute("How packets are wrapped, with the forwarding method `tunnel`. Left out, it is IP in IP."),
			"persistence": persistenceAttribute(),
			"one_packet": flagAttribute(false, "Whether each packet is scheduled by itself and none is remembered as a connection: for UDP, or a firewall mark, "+
				"when requests are one packet, as of DNS."),
			"health_check": healthCheckAttribute("How each director checks the real servers: at least one kind is named, and every one that is named must pass. " +
				"A server joins after its first pass and leaves, as `on_failure` says, after `fall` failures in a row. Without a check every server counts as healthy. A server may have a check of its own."),
			"initial_state": wordAttribute(string(d.InitialState), "What a real server counts as until its first verdict: `down` is out of the table until it passes, `up` is in until it fails. "+
				"What is in the table already when an agent starts keeps its state. A server may say otherwise."),
			"on_failure": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What becomes of a real server that fails: `remove` takes it out of the table, `quiesce` gives it weight 0, so that its established connections may finish. " +
					"Left out, it is `quiesce` where weight 0 keeps clients away and `remove` elsewhere: with the schedulers `dh`, and `sh` and `mh` without their fallback flag, which go on sending clients to it, and over UDP, whose flows stay, and with `persistence`, which brings clients back. " +
					"`quiesce` is refused there, except with `persistence`, where the sysctl `expire_quiescent_template` makes it work. A server may say otherwise.",
			},
			"drain_timeout": durationAttribute(d.DrainTimeout, "How long the connections of a real server that is removed are waited for: `0s`, which removes it at once, to `24h`. A server may say otherwise."),
			"slow_start": durationAttribute(d.SlowStart, "How long the weight of a real server takes to grow from 1 to its full value when it comes up: `0s`, at once, or `1s` to `1h`. "+
				"A weight of 1 has nothing to grow: use larger ones, such as 100. A server may say otherwise."),
			"quorum":       quorumAttribute(),
			"sorry_server": sorryServerAttribute(),
			"notify": notifyAttribute("the virtual server and its real servers", spec.VirtualServerStates(), "What a program is given: `event`, the notification as JSON is its input. "+
				"keepalived's styles are for VRRP instances."),
			"timeouts":        timeoutsAttribute(ctx),
			"directors":       directorsAttribute(),
			"director_status": directorStatusAttribute(),
		},
	}
}

func wordAttribute(def, description string) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(def),
		MarkdownDescription: description + " The default is `" + def + "`.",
	}
}

// words writes a list of words as Markdown.
func words(all []string) string { return "`" + strings.Join(all, "`, `") + "`" }
