package spec

import (
	"net/netip"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// HealthCheck is how the real servers of a service are checked. Every kind that is named must pass.
type HealthCheck struct {
	Interval Duration     `json:"interval" required:"false" doc:"default 2s; time between two checks of a server, from start to start; 10ms to 24h"`
	Timeout  Duration     `json:"timeout" required:"false" doc:"default 1s; a check without an answer by then has failed; at most the interval"`
	Rise     int          `json:"rise" minimum:"1" maximum:"255" required:"false" default:"1" doc:"passes in a row that bring a server in"`
	Fall     int          `json:"fall" minimum:"1" maximum:"255" required:"false" default:"3" doc:"failures in a row that take a server out"`
	TCP      *TCPCheck    `json:"tcp,omitzero" required:"false" doc:"a TCP connection is accepted, and answered as expected"`
	HTTP     *HTTPCheck   `json:"http,omitzero" required:"false" doc:"an HTTP request is answered as expected"`
	Script   *ScriptCheck `json:"script,omitzero" required:"false" doc:"a check script exits with 0"`
}

// ScriptCheck runs a check script with the server's address and port in its environment.
type ScriptCheck struct {
	Name string `json:"name" doc:"name of the check script"`
}

// DefaultHealthCheck returns a health check in which everything that has a default has it.
func DefaultHealthCheck() HealthCheck {
	return HealthCheck{Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *HealthCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain HealthCheck
	*v = DefaultHealthCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves.
func (v *HealthCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.schedule(v.Interval, v.Timeout, v.Rise, v.Fall)
	if v.TCP == nil && v.HTTP == nil && v.Script == nil {
		errs.add("", "a health check names at least one of tcp, http and script")
	}
	if v.TCP != nil {
		errs = append(errs, v.TCP.Validate().Under("/tcp")...)
	}
	if v.HTTP != nil {
		errs = append(errs, v.HTTP.Validate().Under("/http")...)
	}
	if v.Script != nil {
		if bad := ValidateName(v.Script.Name); bad != nil {
			errs.add("/script/name", "%s", bad[0].Detail)
		}
	}
	return errs
}

// aim reports what is wrong with the address and port of its own that a probe may have.
func (e *FieldErrors) aim(address netip.Addr, port *int) {
	if address.IsValid() {
		if bad := unicast(address); bad != "" {
			e.add("/address", "%s", bad)
		}
	}
	if port != nil {
		e.within("/port", *port, 1, 65535)
	}
}
