package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var healthCheckType = typeOf(func() schema.Attribute { return healthCheckAttribute("") })

func healthCheckAttribute(description string) schema.Attribute {
	check := spec.DefaultHealthCheck()
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"interval": durationAttribute(check.Interval, "Time between two checks of a server, from start to start: `10ms` to `24h`."),
			"timeout":  checkTimeoutAttribute(check.Timeout),
			"rise":     countAttribute(check.Rise, "Passes in a row that bring a server in: 1 to 255."),
			"fall":     countAttribute(check.Fall, "Failures in a row that take a server out: 1 to 255."),
			"only_when_active": flagAttribute(false, "Whether checks run only on the director where the virtual server's address is active, to spare the real servers. Elsewhere a "+
				"real server stays what it last was there, and one that was never checked counts as up. An address that belongs to no `lvs_vrrp_instance` is "+
				"always active."),
			"flap_damping": flagAttribute(false, "Whether a server that fails again and again stays out for longer: each time more than 3 in an hour doubles the passes in a "+
				"row that bring it in, up to 32 times `rise`."),
			"tcp":  tcpCheckAttribute(),
			"http": httpCheckAttribute(),
			"dns":  dnsCheckAttribute(),
			"grpc": grpcCheckAttribute(),
			"smtp": smtpCheckAttribute(),
			"udp":  udpCheckAttribute(),
			"ping": pingCheckAttribute(),
			"source": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "IP address that the packets of all kinds but `script` come from, or network interface that they leave by. It is " +
					"the same on every director: an address that only one has fails on the others. Left out, the directors' routes decide.",
			},
			"firewall_mark": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Mark that the packets of all kinds but `script` bear, for the directors' firewall and routing rules (`ip rule add " +
					"fwmark …`): 1 to 4294967295. Left out, they have none.",
			},
			"script": scriptCheckAttribute(),
		},
	}
}

func scriptCheckAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A check script exits with 0. The server's address and port are in its environment.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name of the check script (`lvs_check_script`)."},
			"dynamic_weight": flagAttribute(false, "Whether the script says the server's weight: an exit status of 2 to 255 passes, too, and is the weight plus 2, "+
				"as in keepalived's `misc_dynamic`. With 0 the server has its own weight; 1 fails."),
		},
	}
}

var scriptCheckType = typeOf(scriptCheckAttribute)

// healthCheck reads the attribute; nil when it is left out. Its secrets are in the configuration's alone, which may be
// null where none are needed.
func healthCheck(o, config types.Object) *spec.HealthCheck {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	v := spec.DefaultHealthCheck()
	v.Interval = duration(attribute[timetypes.GoDuration](o, "interval"), v.Interval, longestInterval)
	v.Timeout = duration(attribute[timetypes.GoDuration](o, "timeout"), spec.DefaultCheckTimeout(v.Interval), shortestTimeout)
	v.Rise = number(attribute[types.Int64](o, "rise"), v.Rise)
	v.Fall = number(attribute[types.Int64](o, "fall"), v.Fall)
	v.OnlyWhenActive = flag(attribute[types.Bool](o, "only_when_active"), false)
	v.FlapDamping = flag(attribute[types.Bool](o, "flap_damping"), false)
	v.Source = attribute[types.String](o, "source").ValueString()
	v.FirewallMark = int64(number(attribute[types.Int64](o, "firewall_mark"), 0))
	// A probe that is not known yet counts as one that is there: it may be the one that is needed.
	if tcp := attribute[types.Object](o, "tcp"); !tcp.IsNull() {
		v.TCP = tcpCheck(tcp)
	}
	if http := attribute[types.Object](o, "http"); !http.IsNull() {
		v.HTTP = httpCheck(http, attribute[types.Object](config, "http"))
	}
	if dns := attribute[types.Object](o, "dns"); !dns.IsNull() {
		v.DNS = dnsCheck(dns)
	}
	if grpc := attribute[types.Object](o, "grpc"); !grpc.IsNull() {
		v.GRPC = grpcCheck(grpc, attribute[types.Object](config, "grpc"))
	}
	if smtp := attribute[types.Object](o, "smtp"); !smtp.IsNull() {
		v.SMTP = smtpCheck(smtp, attribute[types.Object](config, "smtp"))
	}
	if udp := attribute[types.Object](o, "udp"); !udp.IsNull() {
		v.UDP = udpCheck(udp)
	}
	if ping := attribute[types.Object](o, "ping"); !ping.IsNull() {
		v.Ping = pingCheck(ping)
	}
	if script := attribute[types.Object](o, "script"); !script.IsNull() {
		v.Script = &spec.ScriptCheck{
			Name: attribute[types.String](script, "name").ValueString(), DynamicWeight: flag(attribute[types.Bool](script, "dynamic_weight"), false),
		}
	}
	return &v
}

// healthCheckValue returns the attribute. What has several forms keeps the one it had before.
func healthCheckValue(v *spec.HealthCheck, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(healthCheckType().AttrTypes)
	}
	all := map[string]attr.Value{
		"interval":         durationValue(v.Interval),
		"timeout":          durationValue(v.Timeout),
		"rise":             types.Int64Value(int64(v.Rise)),
		"fall":             types.Int64Value(int64(v.Fall)),
		"only_when_active": types.BoolValue(v.OnlyWhenActive), "flap_damping": types.BoolValue(v.FlapDamping),
		"source": wordAsBefore(v.Source, before, "source"), "firewall_mark": unlessZero(int(v.FirewallMark), attribute[types.Int64](before, "firewall_mark")),
	}
	for name, of := range healthCheckType().AttrTypes {
		if kind, is := of.(types.ObjectType); is {
			all[name] = types.ObjectNull(kind.AttrTypes)
		}
	}
	if v.TCP != nil {
		all["tcp"] = tcpCheckValue(*v.TCP, attribute[types.Object](before, "tcp"))
	}
	if v.HTTP != nil {
		all["http"] = httpCheckValue(*v.HTTP, attribute[types.Object](before, "http"))
	}
	if v.DNS != nil {
		all["dns"] = dnsCheckValue(*v.DNS, attribute[types.Object](before, "dns"))
	}
	if v.GRPC != nil {
		all["grpc"] = grpcCheckValue(*v.GRPC, attribute[types.Object](before, "grpc"))
	}
	if v.SMTP != nil {
		all["smtp"] = smtpCheckValue(*v.SMTP, attribute[types.Object](before, "smtp"))
	}
	if v.UDP != nil {
		all["udp"] = udpCheckValue(*v.UDP, attribute[types.Object](before, "udp"))
	}
	if v.Ping != nil {
		all["ping"] = pingCheckValue(*v.Ping)
	}
	if v.Script != nil {
		all["script"] = types.ObjectValueMust(scriptCheckType().AttrTypes, map[string]attr.Value{
			"name": types.StringValue(v.Script.Name), "dynamic_weight": types.BoolValue(v.Script.DynamicWeight),
		})
	}
	return types.ObjectValueMust(healthCheckType().AttrTypes, all)
}
