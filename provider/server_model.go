package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// serverModel is what a real server has beside its key, by itself or in a group.
type serverModel struct {
	Weight           types.Int64          `tfsdk:"weight"`
	ForwardingMethod types.String         `tfsdk:"forwarding_method"`
	Tunnel           types.Object         `tfsdk:"tunnel"`
	UpperThreshold   types.Int64          `tfsdk:"upper_threshold"`
	LowerThreshold   types.Int64          `tfsdk:"lower_threshold"`
	HealthCheck      types.Object         `tfsdk:"health_check"`
	InitialState     types.String         `tfsdk:"initial_state"`
	OnFailure        types.String         `tfsdk:"on_failure"`
	DrainTimeout     timetypes.GoDuration `tfsdk:"drain_timeout"`
	SlowStart        timetypes.GoDuration `tfsdk:"slow_start"`

	// confided is the configuration's health_check, whose secrets a plan and a state do not have.
	confided types.Object
}

func (m *serverModel) server() spec.RealServer {
	v := spec.DefaultRealServer()
	v.Weight = number(m.Weight, v.Weight)
	v.HealthCheck = healthCheck(m.HealthCheck, m.confided)
	v.InitialState = word[spec.InitialState](m.InitialState, "")
	v.DrainTimeout = durationOrNone(m.DrainTimeout, spec.DefaultDrainTimeout)
	v.SlowStart = durationOrNone(m.SlowStart, 0)
	v.OnFailure = word[spec.FailureAction](m.OnFailure, "")
	v.ForwardingMethod = word[spec.ForwardingMethod](m.ForwardingMethod, "")
	v.Tunnel = tunnel(m.Tunnel)
	v.UpperThreshold = number(m.UpperThreshold, v.UpperThreshold)
	v.LowerThreshold = number(m.LowerThreshold, v.LowerThreshold)
	return v
}

// show takes over the values of a director.
func (m *serverModel) show(v spec.RealServer) {
	m.Weight = types.Int64Value(int64(v.Weight))
	m.HealthCheck = healthCheckValue(v.HealthCheck, m.HealthCheck)
	m.InitialState = optionalWord(v.InitialState)
	m.DrainTimeout = durationOrNoneValue(v.DrainTimeout)
	m.SlowStart = durationOrNoneValue(v.SlowStart)
	m.OnFailure = optionalWord(v.OnFailure)
	m.ForwardingMethod = textOrNull(string(v.ForwardingMethod))
	m.Tunnel = tunnelValue(v.Tunnel)
	m.UpperThreshold = types.Int64Value(int64(v.UpperThreshold))
	m.LowerThreshold = types.Int64Value(int64(v.LowerThreshold))
}

// serverType is the type of a server in a group.
var serverType = typeWith(serverAttributes)
