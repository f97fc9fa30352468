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

func tcpCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{}}
}

func httpCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"path": types.StringType, "expected_status": types.ListType{ElemType: types.StringType},
	}}
}

func scriptCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{"name": types.StringType}}
}

// statusRange reads "204" or "200-299".
func statusRange(text string) (spec.StatusRange, error) {
	var r spec.StatusRange
	err := r.UnmarshalText([]byte(text))
	return r, err
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
		v.TCP = &spec.TCPCheck{}
	}
	if http := attribute[types.Object](o, "http"); !http.IsNull() {
		v.HTTP = httpCheck(http)
	}
	if script := attribute[types.Object](o, "script"); !script.IsNull() {
		v.Script = &spec.ScriptCheck{Name: attribute[types.String](script, "name").ValueString()}
	}
	return &v
}

func httpCheck(o types.Object) *spec.HTTPCheck {
	v := spec.DefaultHTTPCheck()
	v.Path = word(attribute[types.String](o, "path"), v.Path)
	if expected := attribute[types.List](o, "expected_status"); !expected.IsNull() && !expected.IsUnknown() {
		v.ExpectedStatus = nil
		for _, element := range expected.Elements() {
			r, err := statusRange(textOf(element))
			if err != nil {
				r = spec.StatusRange{} // no range: validation says so at this element
			}
			v.ExpectedStatus = append(v.ExpectedStatus, r)
		}
	}
	return &v
}

// healthCheckValue returns the attribute. Ranges of status codes keep the text they had before.
func healthCheckValue(v *spec.HealthCheck, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(healthCheckType().AttrTypes)
	}
	tcp, http, script := types.ObjectNull(tcpCheckType().AttrTypes), types.ObjectNull(httpCheckType().AttrTypes), types.ObjectNull(scriptCheckType().AttrTypes)
	if v.TCP != nil {
		tcp = types.ObjectValueMust(tcpCheckType().AttrTypes, map[string]attr.Value{})
	}
	if v.HTTP != nil {
		ranges := make([]attr.Value, len(v.HTTP.ExpectedStatus))
		for i, r := range v.HTTP.ExpectedStatus {
			ranges[i] = types.StringValue(r.String())
		}
		expected := types.ListValueMust(types.StringType, ranges)
		if had := attribute[types.List](attribute[types.Object](before, "http"), "expected_status"); keepEqualStatus().equalLists(had, expected) {
			expected = had
		}
		http = types.ObjectValueMust(httpCheckType().AttrTypes, map[string]attr.Value{
			"path": types.StringValue(v.HTTP.Path), "expected_status": expected,
		})
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
