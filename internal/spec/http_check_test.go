package spec

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValidateHTTPCheck(t *testing.T) {
	t.Parallel()
	zero := 0
	tls := func(change func(*TLSCheck)) func(*HTTPCheck) {
		return func(v *HTTPCheck) {
			c := DefaultTLSCheck()
			change(&c)
			v.TLS = &c
		}
	}
	more := func(requests ...AdditionalRequest) func(*HTTPCheck) {
		return func(v *HTTPCheck) { v.AdditionalRequests = requests }
	}
	user := func(name string, password Secret) func(*HTTPCheck) {
		return func(v *HTTPCheck) { v.BasicAuth = &BasicAuth{Username: name, Password: password} }
	}
	headers := func(h map[string]string) func(*HTTPCheck) { return func(v *HTTPCheck) { v.Headers = h } }
	for name, tt := range map[string]struct {
		change func(*HTTPCheck)
		want   FieldErrors
	}{
		"good":                    {func(*HTTPCheck) {}, nil},
		"with a body":             {func(v *HTTPCheck) { v.Method, v.Body = "POST", "{}" }, nil},
		"host with a port":        {func(v *HTTPCheck) { v.Host = "[2001:db8::1]:8080" }, nil},
		"headers":                 {headers(map[string]string{"Accept": "*/*", "x-a": ""}), nil},
		"expectations":            {func(v *HTTPCheck) { v.ExpectedBody, v.ExpectedMatch = "ok", "(?i)^ok$" }, nil},
		"TLS":                     {tls(func(*TLSCheck) {}), nil},
		"TLS to an address":       {tls(func(v *TLSCheck) { v.ServerName = "2001:db8::1" }), nil},
		"HTTP/2":                  {func(v *HTTPCheck) { v.Version = HTTP2 }, nil},
		"HTTP/3":                  {func(v *HTTPCheck) { v.Version = "3" }, one("/version", `"3" is not known: use one of 1.1, 2`)},
		"JSON":                    {func(v *HTTPCheck) { v.ExpectedJSON = map[string]string{"": "true", "/a~1b/~0/0": ""} }, nil},
		"JSON at a JSONPath":      {func(v *HTTPCheck) { v.ExpectedJSON = map[string]string{"$.status": "up"} }, one("/expected_json/$.status", `"$.status" is not a JSON pointer (RFC 6901): write /status or /checks/0/state, with ~1 for a '/' and ~0 for a '~' in a name`)},
		"JSON at half an escape":  {func(v *HTTPCheck) { v.ExpectedJSON = map[string]string{"/~2": "up"} }, one("/expected_json/~1~02", `"/~2" is not a JSON pointer (RFC 6901): write /status or /checks/0/state, with ~1 for a '/' and ~0 for a '~' in a name`)},
		"JSON of a HEAD":          {func(v *HTTPCheck) { v.Method, v.ExpectedJSON = "HEAD", map[string]string{"/a": "b"} }, one("/method", "an answer to HEAD has no body, of which something is expected: use GET")},
		"long JSON":               {func(v *HTTPCheck) { v.ExpectedJSON = map[string]string{"/a": strings.Repeat("a", 4097)} }, one("/expected_json/~1a", "the text has 4097 bytes: use at most 4096")},
		"another request":         {more(AdditionalRequest{DefaultHTTPRequest()}), nil},
		"another bad request":     {more(AdditionalRequest{DefaultHTTPRequest()}, AdditionalRequest{HTTPRequest{Method: "GET", Path: "/"}}), one("/additional_requests/1/expected_status", "the list is empty, so no answer could pass: give a code or range, such as 200-299")},
		"many requests":           {more(make([]AdditionalRequest, 17)...), one("/additional_requests", "17 requests follow the first: use at most 16")},
		"a user":                  {user("lvs", "s3cret: ü"), nil},
		"a user without a name":   {user("", "s3cret"), one("/basic_auth/username", `"" is not the name of a user: it has no ':', no control characters, and is not empty`)},
		"a user with a colon":     {user("a:b", "s3cret"), one("/basic_auth/username", `"a:b" is not the name of a user: it has no ':', no control characters, and is not empty`)},
		"a user without password": {user("lvs", ""), one("/basic_auth/password_wo", "a password is needed; it is never answered, so give it with each change")},
		"a password of two lines": {user("lvs", "s3cret\r\n"), one("/basic_auth/password_wo", "the password has a control character, which cannot be sent")},
		"a user twice": {func(v *HTTPCheck) {
			user("lvs", "s3cret")(v)
			v.Headers = map[string]string{"authorization": "Bearer a"}
		}, one("/basic_auth", "the header authorization says who asks, too: leave out one of them")},
		"certificate without key": {tls(func(v *TLSCheck) { v.ClientCertPEM = "a" }), one("/tls/client_key_pem_wo", "the certificate's key is needed; it is never answered, so give it with each change")},
		"key without certificate": {tls(func(v *TLSCheck) { v.ClientKeyPEM = "s3cret" }), one("/tls/client_cert_pem", "there is a key without its certificate: give the certificate, or remove the key")},
		"no client certificate":   {tls(func(v *TLSCheck) { v.ClientCertPEM, v.ClientKeyPEM = "a", "s3cret" }), one("/tls/client_cert_pem", "it and its key cannot be used: failed to find any PEM data in certificate input: give a certificate and the key that goes with it, in PEM")},
		"address of many":         {func(v *HTTPCheck) { v.Address = netip.MustParseAddr("ff02::1") }, one("/address", "ff02::1 is not the address of one machine: use a unicast address")},
		"no port":                 {func(v *HTTPCheck) { v.Port = &zero }, one("/port", "0 is out of range: use 1 to 65535")},
		"unknown method":          {func(v *HTTPCheck) { v.Method = "get" }, one("/method", `"get" is not known: use one of GET, HEAD, POST, PUT, OPTIONS`)},
		"body of a GET":           {func(v *HTTPCheck) { v.Body = "a" }, one("/method", "GET has no body: use POST or PUT, or remove the body")},
		"long body":               {func(v *HTTPCheck) { v.Method, v.Body = "PUT", strings.Repeat("a", 65537) }, one("/body", "the body has 65537 bytes: use at most 65536")},
		"body expected of a HEAD": {func(v *HTTPCheck) { v.Method, v.ExpectedBody = "HEAD", "a" }, one("/method", "an answer to HEAD has no body, of which something is expected: use GET")},
		"long text":               {func(v *HTTPCheck) { v.ExpectedBody = strings.Repeat("a", 4097) }, one("/expected_body", "the text has 4097 bytes: use at most 4096")},
		"no regular expression":   {func(v *HTTPCheck) { v.ExpectedMatch = "a(" }, one("/expected_match", "missing closing ): `a(`: write it in the syntax of RE2")},
		"long regular expression": {func(v *HTTPCheck) { v.ExpectedMatch = strings.Repeat("a", 513) }, one("/expected_match", "the regular expression has 513 bytes: use at most 512")},
		"URL for a host":          {func(v *HTTPCheck) { v.Host = "http://a/" }, one("/host", `"http://a/" is not a host: write a name or address, with a port if need be, such as www.example.com:8080`)},
		"another request in host": {func(v *HTTPCheck) { v.Host = "a\r\nX: b" }, one("/host", `"a\r\nX: b" is not a host: write a name or address, with a port if need be, such as www.example.com:8080`)},
		"header without a name":   {headers(map[string]string{"": "a"}), one("/headers/", `"" is not the name of a header: use letters, digits and '-'`)},
		"header with a slash":     {headers(map[string]string{"a/b": "a"}), one("/headers/a~1b", `"a/b" is not the name of a header: use letters, digits and '-'`)},
		"host as a header":        {headers(map[string]string{"host": "a"}), one("/headers/host", "the Host header has a field of its own: use host")},
		"length as a header":      {headers(map[string]string{"content-length": "1"}), one("/headers/content-length", "the agent writes the header Content-Length itself: remove it")},
		"the same header twice":   {headers(map[string]string{"X-A": "1", "x-a": "2"}), one("/headers/x-a", "X-A and x-a are the same header: remove one")},
		"another header in one":   {headers(map[string]string{"x-a": "1\r\nX-B: 2"}), one("/headers/x-a", "the value of a header is one line without control characters")},
		"TLS to a name and port":  {tls(func(v *TLSCheck) { v.ServerName = "a:443" }), one("/tls/server_name", `"a:443" is not a name or an address: write www.example.com, without a port`)},
		"no certificate":          {tls(func(v *TLSCheck) { v.CACertPEM = "/etc/ssl/ca.pem" }), one("/tls/ca_cert_pem", "there is no certificate in it: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")},
		"an old TLS":              {tls(func(v *TLSCheck) { v.MinimumVersion = "1.1" }), one("/tls/minimum_version", `"1.1" is not known: use one of 1.2, 1.3`)},
		"validity of the past":    {tls(func(v *TLSCheck) { v.MinValidity = Duration(-time.Second) }), one("/tls/min_validity", "-1s is out of range: use 0s to 8760h0m0s")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := DefaultHTTPCheck()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
