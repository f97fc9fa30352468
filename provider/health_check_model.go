package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func healthCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"interval": timetypes.GoDurationType{},
		"timeout":  timetypes.GoDurationType{},
		"rise":     types.Int64Type,
		"fall":     types.Int64Type,
		"tcp":      tcpCheckType(),
		"http":     httpCheckType(),
		"script":   scriptCheckType(),
	}}
}

func scriptCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{"name": types.StringType}}
}

// healthCheck reads the attribute; nil when it is left out.
func healthCheck(o types.Object) *spec.HealthCheck {
	if o.IsNull() || o.IsUnknown() {
		return nil
	}
	v := spec.DefaultHealthCheck()
	v.Interval = duration(attribute[timetypes.GoDuration](o, "interval"), v.Interval, longestInterval)
	v.Timeout = duration(attribute[timetypes.GoDuration](o, "timeout"), v.Timeout, shortestTimeout)
	v.Rise = number(attribute[types.Int64](o, "rise"), v.Rise)
	v.Fall = number(attribute[types.Int64](o, "fall"), v.Fall)
	// A probe that is not known yet counts as one that is there: it may be the one that is needed.
	if tcp := attribute[types.Object](o, "tcp"); !tcp.IsNull() {
		v.TCP = tcpCheck(tcp)
	}
	if http := attribute[types.Object](o, "http"); !http.IsNull() {
		v.HTTP = httpCheck(http)
	}
	if script := attribute[types.Object](o, "script"); !script.IsNull() {
		v.Script = &spec.ScriptCheck{Name: attribute[types.String](script, "name").ValueString()}
	}
	return &v
}

// healthCheckValue returns the attribute. What has several forms keeps the one it had before.
func healthCheckValue(v *spec.HealthCheck, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(healthCheckType().AttrTypes)
	}
	tcp, http, script := types.ObjectNull(tcpCheckType().AttrTypes), types.ObjectNull(httpCheckType().AttrTypes), types.ObjectNull(scriptCheckType().AttrTypes)
	if v.TCP != nil {
		tcp = tcpCheckValue(*v.TCP, attribute[types.Object](before, "tcp"))
	}
	if v.HTTP != nil {
		http = httpCheckValue(*v.HTTP, attribute[types.Object](before, "http"))
	}
	if v.Script != nil {
		script = types.ObjectValueMust(scriptCheckType().AttrTypes, map[string]attr.Value{"name": types.StringValue(v.Script.Name)})
	}
	return types.ObjectValueMust(healthCheckType().AttrTypes, map[string]attr.Value{
		"interval": durationValue(v.Interval),
		"timeout":  durationValue(v.Timeout),
		"rise":     types.Int64Value(int64(v.Rise)),
		"fall":     types.Int64Value(int64(v.Fall)),
		"tcp":      tcp,
		"http":     http,
		"script":   script,
	})
}
