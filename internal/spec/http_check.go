package spec

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/http/httpguts"
)

// HTTPCheck sends an HTTP/1.1 request to the server, in clear or over TLS; redirects are not followed.
// All that is expected must be there.
type HTTPCheck struct {
	Address        netip.Addr        `json:"address,omitzero" required:"false" doc:"address to send to; left out, it is the server's own"`
	Port           *int              `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to send to; left out, it is the server's own"`
	Method         string            `json:"method" enum:"GET,HEAD,POST,PUT,OPTIONS" required:"false" default:"GET" doc:"method of the request"`
	Path           string            `json:"path" required:"false" default:"/" doc:"path and query of the request"`
	Host           string            `json:"host,omitempty" required:"false" doc:"Host header, with a port if it is to have one; left out, it is the address and port that is sent to"`
	Headers        map[string]string `json:"headers,omitempty" required:"false" doc:"more headers of the request; they are answered, so they are no place for a secret"`
	Body           string            `json:"body,omitempty" required:"false" doc:"body of the request, at most 64 KiB, with POST and PUT"`
	ExpectedStatus []StatusRange     `json:"expected_status" required:"false" doc:"status codes and ranges that pass, such as 204 or 200-299; the default is 200-299"`
	ExpectedBody   string            `json:"expected_body,omitempty" required:"false" doc:"text that the answer's body holds, at most 4 KiB"`
	ExpectedMatch  string            `json:"expected_match,omitempty" required:"false" doc:"regular expression (RE2) that the answer's body matches somewhere, at most 512 bytes"`
	TLS            *TLSCheck         `json:"tls,omitzero" required:"false" doc:"the request goes over TLS; left out, it goes in clear"`
}

// What a check may say at most, in bytes.
const (
	maxCheckBody  = 64 << 10
	maxCheckText  = 4 << 10
	maxCheckMatch = 512
)

// HTTPMethods lists the methods that a check may use.
func HTTPMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions}
}

// DefaultHTTPCheck returns an HTTP check in which everything that has a default has it.
func DefaultHTTPCheck() HTTPCheck {
	return HTTPCheck{Method: http.MethodGet, Path: "/", ExpectedStatus: []StatusRange{{First: 200, Last: 299}}}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *HTTPCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain HTTPCheck
	*v = DefaultHTTPCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves.
func (v *HTTPCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	errs.oneOf("/method", v.Method, HTTPMethods())
	if !requestable(v.Path) {
		errs.add("/path", "%q is not a path: begin with '/', without white space or '#', and '%%' only before two hexadecimal digits", v.Path)
	}
	if !httpguts.ValidHostHeader(v.Host) || strings.ContainsAny(v.Host, "/@?#%") {
		errs.add("/host", "%q is not a host: write a name or address, with a port if need be, such as www.example.com:8080", v.Host)
	}
	errs.headers("/headers", v.Headers)
	switch {
	case len(v.Body) > maxCheckBody:
		errs.add("/body", "the body has %d bytes: use at most %d", len(v.Body), maxCheckBody)
	case v.Body != "" && v.Method != http.MethodPost && v.Method != http.MethodPut:
		errs.add("/method", "%s has no body: use POST or PUT, or remove the body", v.Method)
	}
	if len(v.ExpectedStatus) == 0 {
		errs.add("/expected_status", "the list is empty, so no answer could pass: give a code or range, such as 200-299")
	}
	for i, r := range v.ExpectedStatus {
		if r.First < 100 || r.Last > 599 || r.First > r.Last {
			errs.add(fmt.Sprintf("/expected_status/%d", i), "%s is not a range of status codes: use 100 to 599, the smaller first", r)
		}
	}
	if v.Method == http.MethodHead && (v.ExpectedBody != "" || v.ExpectedMatch != "") {
		errs.add("/method", "an answer to HEAD has no body, of which something is expected: use GET")
	}
	errs.short("/expected_body", v.ExpectedBody)
	errs.match("/expected_match", v.ExpectedMatch)
	if v.TLS != nil {
		errs = append(errs, v.TLS.Validate().Under("/tls")...)
	}
	return errs
}

// headers reports headers that cannot be sent, and those that the request has by other means.
func (e *FieldErrors) headers(at string, headers map[string]string) {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		switch other, twice := seen[canonical]; {
		case !httpguts.ValidHeaderFieldName(name):
			e.add(pointer(at, name), "%q is not the name of a header: use letters, digits and '-'", name)
		case canonical == "Host":
			e.add(pointer(at, name), "the Host header has a field of its own: use host")
		case canonical == "Content-Length", canonical == "Transfer-Encoding", canonical == "Connection", canonical == "Trailer":
			e.add(pointer(at, name), "the agent writes the header %s itself: remove it", canonical)
		case twice:
			e.add(pointer(at, name), "%s and %s are the same header: remove one", other, name)
		case !httpguts.ValidHeaderFieldValue(headers[name]):
			e.add(pointer(at, name), "the value of a header is one line without control characters")
		}
		seen[canonical] = name
	}
}

// match reports a regular expression that cannot be used; "" is none.
func (e *FieldErrors) match(at, expression string) {
	if len(expression) > maxCheckMatch {
		e.add(at, "the regular expression has %d bytes: use at most %d", len(expression), maxCheckMatch)
		return
	}
	if _, err := regexp.Compile(expression); err != nil {
		e.add(at, "%s: write it in the syntax of RE2", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// requestable reports whether a path and query can stand in an HTTP request as they are.
func requestable(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \r\n\t#") {
		return false
	}
	_, err := url.ParseRequestURI(path)
	return err == nil
}
