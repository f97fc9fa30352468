package spec

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
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
	TCP      *TCPCheck    `json:"tcp,omitzero" required:"false" doc:"a TCP connection is accepted"`
	HTTP     *HTTPCheck   `json:"http,omitzero" required:"false" doc:"an HTTP request is answered as expected"`
	Script   *ScriptCheck `json:"script,omitzero" required:"false" doc:"a check script exits with 0"`
}

// TCPCheck connects to the server's address and port.
type TCPCheck struct{}

// HTTPCheck sends a GET request to the server's address and port; redirects are not followed.
type HTTPCheck struct {
	Path           string        `json:"path" required:"false" default:"/" doc:"path and query of the request"`
	ExpectedStatus []StatusRange `json:"expected_status" required:"false" doc:"status codes and ranges that pass, such as 204 or 200-299; the default is 200-299"`
}

// ScriptCheck runs a check script with the server's address and port in its environment.
type ScriptCheck struct {
	Name string `json:"name" doc:"name of the check script"`
}

// StatusRange is an HTTP status code or a range of them, both ends included. Its text is "204" or
// "200-299".
type StatusRange struct{ First, Last int }

// DefaultHealthCheck returns a health check in which everything that has a default has it.
func DefaultHealthCheck() HealthCheck {
	return HealthCheck{Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3}
}

// DefaultHTTPCheck returns an HTTP check in which everything that has a default has it.
func DefaultHTTPCheck() HTTPCheck {
	return HTTPCheck{Path: "/", ExpectedStatus: []StatusRange{{First: 200, Last: 299}}}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *HealthCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain HealthCheck
	*v = DefaultHealthCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// UnmarshalJSONFrom fills in the defaults.
func (v *HTTPCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain HTTPCheck
	*v = DefaultHTTPCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves.
func (v *HealthCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.schedule(v.Interval, v.Timeout, v.Rise, v.Fall)
	if v.TCP == nil && v.HTTP == nil && v.Script == nil {
		errs.add("", "a health check names at least one of tcp, http and script")
	}
	if v.HTTP != nil {
		if !requestable(v.HTTP.Path) {
			errs.add("/http/path", "%q is not a path: begin with '/', without white space or '#', and '%%' only before two hexadecimal digits", v.HTTP.Path)
		}
		if len(v.HTTP.ExpectedStatus) == 0 {
			errs.add("/http/expected_status", "the list is empty, so no answer could pass: give a code or range, such as 200-299")
		}
		for i, r := range v.HTTP.ExpectedStatus {
			if r.First < 100 || r.Last > 599 || r.First > r.Last {
				errs.add(fmt.Sprintf("/http/expected_status/%d", i), "%s is not a range of status codes: use 100 to 599, the smaller first", r)
			}
		}
	}
	if v.Script != nil {
		if bad := ValidateName(v.Script.Name); bad != nil {
			errs.add("/script/name", "%s", bad[0].Detail)
		}
	}
	return errs
}

// requestable reports whether a path and query can stand in an HTTP request as they are.
func requestable(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \r\n\t#") {
		return false
	}
	_, err := url.ParseRequestURI(path)
	return err == nil
}

// Contains reports whether a status code is in the range.
func (r StatusRange) Contains(code int) bool { return r.First <= code && code <= r.Last }

// String returns "204" or "200-299".
func (r StatusRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// MarshalText writes "204" or "200-299".
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "204" or "200-299".
func (r *StatusRange) UnmarshalText(text []byte) error {
	first, last, isRange := strings.Cut(string(text), "-")
	if !isRange {
		last = first
	}
	low, err1 := strconv.Atoi(first)
	high, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("%q is not a status code or a range of them: write 204 or 200-299", text)
	}
	*r = StatusRange{First: low, Last: high}
	return nil
}
