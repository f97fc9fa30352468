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

// HTTPCheck sends requests to the server, one after the other, in clear or over TLS. All answers must be as expected.
type HTTPCheck struct {
	Address            netip.Addr          `json:"address,omitzero" required:"false" doc:"address to send to; left out, it is the server's own"`
	Port               *int                `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to send to; left out, it is the server's own"`
	Version            HTTPVersion         `json:"version" enum:"1.1,2" required:"false" default:"1.1" doc:"version of HTTP; 2 in clear is spoken without asking (RFC 9113 §3.3)"`
	TLS                *TLSCheck           `json:"tls,omitzero" required:"false" doc:"the requests go over TLS; left out, they go in clear"`
	BasicAuth          *BasicAuth          `json:"basic_auth,omitzero" required:"false" doc:"the requests say who asks (RFC 7617)"`
	FollowRedirects    bool                `json:"follow_redirects,omitzero" required:"false" doc:"whether redirects are followed, on the same server; otherwise they are the answer"`
	HTTPRequest                            // the first
	AdditionalRequests []AdditionalRequest `json:"additional_requests,omitempty" required:"false" doc:"requests that follow, each over a connection of its own, at most 16; all must pass, each round"`
}

// HTTPRequest is one request, and the answer that passes.
type HTTPRequest struct {
	Method         string            `json:"method" enum:"GET,HEAD,POST,PUT,OPTIONS" required:"false" default:"GET" doc:"method of the request"`
	Path           string            `json:"path" required:"false" default:"/" doc:"path and query of the request"`
	Host           string            `json:"host,omitempty" required:"false" doc:"Host header, with a port if it is to have one; left out, it is the address and port that is sent to"`
	Headers        map[string]string `json:"headers,omitempty" required:"false" doc:"more headers of the request; they are answered, so they are no place for a secret"`
	Body           string            `json:"body,omitempty" required:"false" doc:"body of the request, at most 64 KiB, with POST and PUT"`
	ExpectedStatus []StatusRange     `json:"expected_status" required:"false" doc:"status codes and ranges that pass, such as 204 or 200-299; the default is 200-299"`
	ExpectedBody   string            `json:"expected_body,omitempty" required:"false" doc:"text that the answer's body holds, at most 4 KiB"`
	ExpectedMatch  string            `json:"expected_match,omitempty" required:"false" doc:"regular expression (RE2) that the answer's body matches somewhere, at most 512 bytes"`
	ExpectedJSON   map[string]string `json:"expected_json,omitempty" required:"false" doc:"values that the answer's body, which is JSON, has at JSON pointers (RFC 6901), such as /status"`
}

// AdditionalRequest is a request after the first.
type AdditionalRequest struct{ HTTPRequest }

// HTTPVersion is a version of HTTP.
type HTTPVersion string

// The versions of HTTP that a check may speak.
const (
	HTTP11 HTTPVersion = "1.1"
	HTTP2  HTTPVersion = "2"
)

// HTTPVersions lists every HTTPVersion.
func HTTPVersions() []string { return []string{string(HTTP11), string(HTTP2)} }

// BasicAuth is who asks.
type BasicAuth struct {
	Username        string `json:"username" doc:"name of the user"`
	Password        Secret `json:"password_wo,omitempty" required:"false" doc:"password of the user, which is needed; taken, and never answered"`
	PasswordVersion int    `json:"password_wo_version,omitzero" required:"false" doc:"a number of your own that goes with password_wo, and is answered"`
}

// What a check may say at most, in bytes.
const (
	maxCheckBody  = 64 << 10
	maxCheckText  = 4 << 10
	maxCheckMatch = 512
)

// What a check may have at most.
const (
	maxAdditionalRequests = 16
	maxJSONValues         = 32
)

// HTTPMethods lists the methods that a check may use.
func HTTPMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions}
}

// DefaultHTTPCheck returns an HTTP check in which everything that has a default has it.
func DefaultHTTPCheck() HTTPCheck {
	return HTTPCheck{Version: HTTP11, HTTPRequest: DefaultHTTPRequest()}
}

// DefaultHTTPRequest returns a request in which everything that has a default has it.
func DefaultHTTPRequest() HTTPRequest {
	return HTTPRequest{Method: http.MethodGet, Path: "/", ExpectedStatus: []StatusRange{{First: 200, Last: 299}}}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *HTTPCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain HTTPCheck
	*v = DefaultHTTPCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// UnmarshalJSONFrom fills in the defaults.
func (v *AdditionalRequest) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain AdditionalRequest
	v.HTTPRequest = DefaultHTTPRequest()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Requests returns all requests in the order in which they are sent.
func (v *HTTPCheck) Requests() []HTTPRequest {
	all := []HTTPRequest{v.HTTPRequest}
	for _, more := range v.AdditionalRequests {
		all = append(all, more.HTTPRequest)
	}
	return all
}

// Validate reports everything that is wrong with the values themselves.
func (v *HTTPCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	errs.oneOf("/version", string(v.Version), HTTPVersions())
	errs = append(errs, v.validate()...)
	if len(v.AdditionalRequests) > maxAdditionalRequests {
		errs.add("/additional_requests", "%d requests follow the first: use at most %d", len(v.AdditionalRequests), maxAdditionalRequests)
		return errs
	}
	for i, more := range v.AdditionalRequests {
		errs = append(errs, more.validate().Under(fmt.Sprintf("/additional_requests/%d", i))...)
	}
	if v.BasicAuth != nil {
		errs = append(errs, v.BasicAuth.Validate().Under("/basic_auth")...)
		errs.authorizedTwice(v.Requests())
	}
	if v.TLS != nil {
		errs = append(errs, v.TLS.Validate().Under("/tls")...)
	}
	return errs
}

// authorizedTwice reports requests that have the header which basic authentication is.
func (e *FieldErrors) authorizedTwice(requests []HTTPRequest) {
	for _, request := range requests {
		for name := range request.Headers {
			if http.CanonicalHeaderKey(name) == "Authorization" {
				e.add("/basic_auth", "the header %s says who asks, too: leave out one of them", name)
				return
			}
		}
	}
}

// Validate reports everything that is wrong with the values themselves.
func (v *BasicAuth) Validate() FieldErrors {
	var errs FieldErrors
	switch control := func(r rune) bool { return r < ' ' || r == 0x7f }; {
	case v.Username == "" || strings.Contains(v.Username, ":") || strings.ContainsFunc(v.Username, control):
		errs.add("/username", "%q is not the name of a user: it has no ':', no control characters, and is not empty", v.Username)
	case v.Password == "":
		errs.add("/password_wo", "a password is needed; it is never answered, so give it with each change")
	case strings.ContainsFunc(string(v.Password), control):
		errs.add("/password_wo", "the password has a control character, which cannot be sent")
	}
	errs.short("/username", v.Username)
	errs.short("/password_wo", string(v.Password))
	return errs
}

// validate reports everything that is wrong with a request.
func (v *HTTPRequest) validate() FieldErrors {
	var errs FieldErrors
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
	if v.Method == http.MethodHead && v.ExpectsBody() {
		errs.add("/method", "an answer to HEAD has no body, of which something is expected: use GET")
	}
	errs.short("/expected_body", v.ExpectedBody)
	errs.match("/expected_match", v.ExpectedMatch)
	errs.jsonValues("/expected_json", v.ExpectedJSON)
	return errs
}

// ExpectsBody reports whether something of the answer's body is expected.
func (v *HTTPRequest) ExpectsBody() bool {
	return v.ExpectedBody != "" || v.ExpectedMatch != "" || len(v.ExpectedJSON) > 0
}

// jsonValues reports what is no JSON pointer (RFC 6901), and values that are too long.
func (e *FieldErrors) jsonValues(at string, values map[string]string) {
	if len(values) > maxJSONValues {
		e.add(at, "%d values are expected: use at most %d", len(values), maxJSONValues)
		return
	}
	for _, where := range slices.Sorted(maps.Keys(values)) {
		if !jsontext.Pointer(where).IsValid() {
			e.add(pointer(at, where), "%q is not a JSON pointer (RFC 6901): write /status or /checks/0/state, with ~1 for a '/' and ~0 for a '~' in a name", where)
			continue
		}
		e.short(pointer(at, where), values[where])
	}
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
