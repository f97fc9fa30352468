package spec

import (
	"net/netip"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxWeight is the greatest weight that every tool around IPVS understands.
const MaxWeight = 65535

// RealServer is one server behind a virtual server. Its address and port are its key, a ServerKey.
type RealServer struct {
	Weight int `json:"weight" minimum:"0" maximum:"65535" required:"false" default:"1" doc:"share of new connections, relative to the other servers; 0 takes no new ones"`
	// What is left out is the service's.
	HealthCheck  *HealthCheck  `json:"health_check,omitzero" required:"false" doc:"how this server is checked; default: as the service says"`
	InitialState InitialState  `json:"initial_state,omitzero" enum:"down,up" required:"false" doc:"what it counts as until its first verdict; default: as the service says"`
	OnFailure    FailureAction `json:"on_failure,omitzero" enum:"remove,quiesce" required:"false" doc:"what becomes of it when it fails; default: as the service says"`
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
	errs.within("/port", int(address.Port()), 1, 65535)
	errs.within("/weight", v.Weight, 0, MaxWeight)
	if v.HealthCheck != nil {
		errs = append(errs, v.HealthCheck.Validate().Under("/health_check")...)
	}
	if v.InitialState != "" {
		errs.oneOf("/initial_state", string(v.InitialState), InitialStates())
	}
	if v.OnFailure != "" {
		errs.oneOf("/on_failure", string(v.OnFailure), FailureActions())
	}
	return errs
}
