package spec

import "net/netip"

// TCPCheck connects to the server, and may talk to it.
type TCPCheck struct {
	Address netip.Addr `json:"address,omitzero" required:"false" doc:"address to connect to; left out, it is the server's own"`
	Port    *int       `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to connect to; left out, it is the server's own"`
	Send    string     `json:"send,omitempty" required:"false" doc:"what is sent once connected, at most 4 KiB; left out, nothing is"`
	Expect  string     `json:"expect,omitempty" required:"false" doc:"text that is in the first 64 KiB of what the server sends, at most 4 KiB; left out, the connection is enough"`
}

// Validate reports everything that is wrong with the values themselves.
func (v *TCPCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	errs.short("/send", v.Send)
	errs.short("/expect", v.Expect)
	return errs
}

// short reports a text that is too long to be sent or expected.
func (e *FieldErrors) short(at, text string) {
	if len(text) > maxCheckText {
		e.add(at, "the text has %d bytes: use at most %d", len(text), maxCheckText)
	}
}
