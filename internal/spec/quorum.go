package spec

import (
	"net/netip"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Quorum is how many of a service's real servers must be up, in units of their weights, for the service to
// be up. The service comes up at Weight+Hysteresis and goes down below Weight-Hysteresis, and always when
// nobody is left.
type Quorum struct {
	Weight     int `json:"weight" minimum:"1" maximum:"2147483647" required:"false" default:"1" doc:"sum of the weights of the servers that are up from which the service is up"`
	Hysteresis int `json:"hysteresis" minimum:"0" required:"false" default:"0" doc:"that much more brings the service up, and that much less takes it down; less than weight"`
}

// maxQuorum is what a sum of weights fits into everywhere.
const maxQuorum = 1<<31 - 1

// DefaultQuorum returns the quorum of a service that is up while any server is.
func DefaultQuorum() Quorum { return Quorum{Weight: 1} }

// UnmarshalJSONFrom fills in the defaults.
func (q *Quorum) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain Quorum
	*q = DefaultQuorum()
	return json.UnmarshalDecode(dec, (*plain)(q))
}

func (q *Quorum) validate() FieldErrors {
	var errs FieldErrors
	errs.within("/weight", q.Weight, 1, maxQuorum)
	switch {
	case q.Hysteresis < 0:
		errs.add("/hysteresis", "%d is out of range: use 0 or more", q.Hysteresis)
	case q.Hysteresis >= q.Weight:
		errs.add("/hysteresis", "%d is not less than the quorum's weight of %d, so the service would stay up with hardly any server: use less than that", q.Hysteresis, q.Weight)
	}
	return errs
}

// SorryServer takes the connections of a service that has lost its quorum, in place of its real servers. It
// is not checked.
type SorryServer struct {
	Address          netip.Addr       `json:"address" doc:"address of the server"`
	Port             int              `json:"port" minimum:"0" maximum:"65535" doc:"port of the server; with the forwarding methods dr and tunnel the service's"`
	ForwardingMethod ForwardingMethod `json:"forwarding_method,omitzero" enum:"nat,dr,tunnel" required:"false" doc:"default: the service's"`
}

// AddrPort returns the server's address and port.
func (s SorryServer) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(s.Address, uint16(s.Port))
}

func (v *VirtualServer) validateSorryServer() FieldErrors {
	var errs FieldErrors
	s := v.SorryServer
	if s == nil {
		return nil
	}
	server := RealServer{ForwardingMethod: s.ForwardingMethod}
	if s.ForwardingMethod != "" {
		errs.oneOf("/forwarding_method", string(s.ForwardingMethod), ForwardingMethods())
	}
	if problem := unicast(s.Address); problem != "" {
		errs.add("/address", "%s", problem)
		return errs
	}
	errs.within("/port", s.Port, 0, 65535)
	if errs != nil || !v.identified() || !slices.Contains(ForwardingMethods(), string(server.Method(v))) {
		return errs // what it has to fit is not there
	}
	return v.admit(s.AddrPort(), server)
}

// identified reports whether it is said what the service is known by.
func (v *VirtualServer) identified() bool {
	if v.FirewallMark != 0 {
		return v.Family != ""
	}
	return unicast(v.Address) == "" && (v.Port != 0 || v.Persistence != nil)
}
