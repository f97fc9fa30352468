package spec

import (
	"math"
	"net/netip"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxWeight is the greatest weight that every tool around IPVS understands.
const MaxWeight = 65535

// RealServer is one server behind a virtual server. Its address and port are its key, a ServerKey.
type RealServer struct {
	Weight           int              `json:"weight" minimum:"0" maximum:"65535" required:"false" default:"1" doc:"share of new connections, relative to the other servers; 0 takes no new ones"`
	ForwardingMethod ForwardingMethod `json:"forwarding_method,omitempty" enum:"nat,dr,tunnel" doc:"how packets reach this server; left out, as those to the others of the service"`
	Tunnel           *TunnelOptions   `json:"tunnel,omitzero" required:"false" doc:"how packets to this server are wrapped; left out, as those to the others of the service"`
	UpperThreshold   int              `json:"upper_threshold,omitzero" minimum:"0" maximum:"2147483647" required:"false" default:"0" doc:"number of connections from which on the server gets no new ones; 0 is none"`
	LowerThreshold   int              `json:"lower_threshold,omitzero" minimum:"0" maximum:"2147483647" required:"false" default:"0" doc:"number of connections below which a server that had the upper threshold gets new ones again; 0 is the kernel's: three quarters of the upper one"`
	// What is left out is the service's.
	HealthCheck  *HealthCheck  `json:"health_check,omitzero" required:"false" doc:"how this server is checked; default: as the service says"`
	InitialState InitialState  `json:"initial_state,omitzero" enum:"down,up" required:"false" doc:"what it counts as until its first verdict; default: as the service says"`
	OnFailure    FailureAction `json:"on_failure,omitzero" enum:"remove,quiesce" required:"false" doc:"what becomes of it when it fails; default: as the service says"`
	DrainTimeout *Duration     `json:"drain_timeout,omitzero" required:"false" doc:"how long its connections are waited for when it is removed; default: as the service says"`
	SlowStart    *Duration     `json:"slow_start,omitzero" required:"false" doc:"how long its weight takes to grow when it comes up; default: as the service says"`
}

// DefaultRealServer returns a real server in which everything that has a default has it.
func DefaultRealServer() RealServer { return RealServer{Weight: 1} }

// UnmarshalJSONFrom fills in the defaults.
func (v *RealServer) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain RealServer
	*v = DefaultRealServer()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the server's key and values themselves.
func (v *RealServer) Validate(address netip.AddrPort) FieldErrors {
	var errs FieldErrors
	if problem := unicast(address.Addr()); problem != "" {
		errs.add("/address", "%s", problem)
	}
	errs.within("/weight", v.Weight, 0, MaxWeight)
	if v.HealthCheck != nil {
		errs = append(errs, v.HealthCheck.Validate().Under("/health_check")...)
	}
	if v.InitialState != "" {
		errs.oneOf("/initial_state", string(v.InitialState), InitialStates())
	}
	if v.DrainTimeout != nil {
		errs = append(errs, ValidateDrainTimeout(*v.DrainTimeout).Under("/drain_timeout")...)
	}
	if v.SlowStart != nil {
		errs = append(errs, validateSlowStart(*v.SlowStart).Under("/slow_start")...)
	}
	if v.OnFailure != "" {
		errs.oneOf("/on_failure", string(v.OnFailure), FailureActions())
	}
	if v.ForwardingMethod != "" {
		errs.oneOf("/forwarding_method", string(v.ForwardingMethod), ForwardingMethods())
	}
	if v.Tunnel != nil {
		errs = append(errs, v.Tunnel.Validate().Under("/tunnel")...)
		errs.noTunnel(v.ForwardingMethod)
	}
	errs.within("/upper_threshold", v.UpperThreshold, 0, math.MaxInt32)
	errs.within("/lower_threshold", v.LowerThreshold, 0, math.MaxInt32)
	if v.LowerThreshold > 0 && v.LowerThreshold >= v.UpperThreshold {
		errs.add("/lower_threshold", "%d is not below the upper threshold of %d: use less, or 0, which leaves it to the kernel", v.LowerThreshold, v.UpperThreshold)
	}
	return errs
}

// Method returns the forwarding method of a server of the service.
func (v *RealServer) Method(of *VirtualServer) ForwardingMethod {
	if v.ForwardingMethod != "" {
		return v.ForwardingMethod
	}
	return of.ForwardingMethod
}

// Wrapping returns how packets to a server of the service are wrapped: its own way, or the service's.
// It is for servers whose method is Tunnel.
func (v *RealServer) Wrapping(of *VirtualServer) TunnelOptions {
	switch {
	case v.Tunnel != nil:
		return *v.Tunnel
	case of.Tunnel != nil:
		return *of.Tunnel
	}
	return DefaultTunnelOptions()
}
