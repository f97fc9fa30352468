package spec

import "net/netip"

// PingCheck sends the server an echo request (ICMP, or ICMPv6 to an IPv6 address), and waits for the reply.
type PingCheck struct {
	Address netip.Addr `json:"address,omitzero" required:"false" doc:"address to send to; left out, it is the server's own"`
}

// Validate reports everything that is wrong with the values themselves.
func (v *PingCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, nil)
	return errs
}
