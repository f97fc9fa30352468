package spec

import (
	"encoding/hex"
	"net/netip"
)

// UDPCheck sends the server one datagram, and looks at what comes back. Where nothing is expected, it passes unless
// the server's machine says that nobody listens (ICMP).
type UDPCheck struct {
	Address   netip.Addr `json:"address,omitzero" required:"false" doc:"address to send to; left out, it is the server's own"`
	Port      *int       `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to send to; left out, it is the server's own"`
	Send      string     `json:"send,omitempty" required:"false" doc:"text in the datagram, at most 4 KiB; left out, the datagram is empty"`
	SendHex   string     `json:"send_hex,omitempty" required:"false" doc:"instead of send: bytes in the datagram as hexadecimal digits, at most 1 KiB"`
	Expect    string     `json:"expect,omitempty" required:"false" doc:"text that is in a datagram that comes back, at most 4 KiB; left out, none needs to come"`
	ExpectHex string     `json:"expect_hex,omitempty" required:"false" doc:"instead of expect: bytes that are in a datagram that comes back, as hexadecimal digits, at most 1 KiB"`
}

// maxCheckHex is how many bytes may be given as hexadecimal digits.
const maxCheckHex = 1 << 10

// Validate reports everything that is wrong with the values themselves.
func (v *UDPCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	errs.short("/send", v.Send)
	errs.hex("/send_hex", v.SendHex)
	errs.short("/expect", v.Expect)
	errs.hex("/expect_hex", v.ExpectHex)
	if v.Send != "" && v.SendHex != "" {
		errs.add("/send_hex", "a datagram is given as text or as bytes, not twice: leave out send or send_hex")
	}
	if v.Expect != "" && v.ExpectHex != "" {
		errs.add("/expect_hex", "a datagram is given as text or as bytes, not twice: leave out expect or expect_hex")
	}
	return errs
}

// Payload is what is in the datagram.
func (v *UDPCheck) Payload() []byte { return bytesOf(v.Send, v.SendHex) }

// Expected is what is in a datagram that comes back; empty where none needs to come.
func (v *UDPCheck) Expected() []byte { return bytesOf(v.Expect, v.ExpectHex) }

func bytesOf(text, digits string) []byte {
	if digits == "" {
		return []byte(text)
	}
	decoded, _ := hex.DecodeString(digits) // validated
	return decoded
}

// hex reports what is not bytes written as hexadecimal digits.
func (e *FieldErrors) hex(at, digits string) {
	switch _, err := hex.DecodeString(digits); {
	case err != nil:
		e.add(at, "%q is not bytes in hexadecimal digits, two for each: write 0aff", digits)
	case len(digits) > 2*maxCheckHex:
		e.add(at, "these are %d bytes: use at most %d", len(digits)/2, maxCheckHex)
	}
}
