package spec

import (
	"net/netip"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/http/httpguts"
)

// SMTPCheck waits for the server's greeting, says EHLO and QUIT, and sends no mail (RFC 5321).
type SMTPCheck struct {
	Address  netip.Addr `json:"address,omitzero" required:"false" doc:"address to connect to; left out, it is the server's own"`
	Port     *int       `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to connect to; left out, it is the server's own"`
	Hello    string     `json:"hello" required:"false" default:"localhost" doc:"name with which the agent introduces itself in EHLO"`
	STARTTLS *TLSCheck  `json:"starttls,omitzero" required:"false" doc:"TLS is begun after EHLO, as on port 25 and 587 (RFC 3207); left out, it is not"`
	TLS      *TLSCheck  `json:"tls,omitzero" required:"false" doc:"the connection begins with TLS, as on port 465 (RFC 8314); left out, it does not"`
}

// DefaultSMTPCheck returns an SMTP check in which everything that has a default has it.
func DefaultSMTPCheck() SMTPCheck { return SMTPCheck{Hello: "localhost"} }

// UnmarshalJSONFrom fills in the defaults.
func (v *SMTPCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain SMTPCheck
	*v = DefaultSMTPCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves.
func (v *SMTPCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	if v.Hello == "" || len(v.Hello) > 255 || !httpguts.ValidHostHeader(v.Hello) {
		errs.add("/hello", "%q is not a name to introduce oneself with: write d1.example.com, or an address as [192.0.2.11]", v.Hello)
	}
	if v.STARTTLS != nil && v.TLS != nil {
		errs.add("/starttls", "TLS begins with the connection or after EHLO, not twice: leave out starttls or tls")
	}
	if v.STARTTLS != nil {
		errs = append(errs, v.STARTTLS.Validate().Under("/starttls")...)
	}
	if v.TLS != nil {
		errs = append(errs, v.TLS.Validate().Under("/tls")...)
	}
	return errs
}
