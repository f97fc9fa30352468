package spec

import (
	"net/netip"
	"unicode/utf8"
)

// GRPCCheck asks the server's health service (grpc.health.v1) whether it serves.
type GRPCCheck struct {
	Address netip.Addr `json:"address,omitzero" required:"false" doc:"address to connect to; left out, it is the server's own"`
	Port    *int       `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to connect to; left out, it is the server's own"`
	Service string     `json:"service,omitempty" required:"false" doc:"service that is asked about; left out, it is the server as a whole"`
	TLS     *TLSCheck  `json:"tls,omitzero" required:"false" doc:"the call goes over TLS; left out, it goes in clear"`
}

// Validate reports everything that is wrong with the values themselves.
func (v *GRPCCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	errs.short("/service", v.Service)
	if !utf8.ValidString(v.Service) {
		errs.add("/service", "%q is not UTF-8, which names of services are", v.Service)
	}
	if v.TLS != nil {
		errs = append(errs, v.TLS.Validate().Under("/tls")...)
	}
	return errs
}
