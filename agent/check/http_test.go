package check

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// httpCheck returns the default check with changes.
func httpCheck(change func(*spec.HTTPCheck)) *spec.HTTPCheck {
	v := spec.DefaultHTTPCheck()
	change(&v)
	return &v
}

func TestHTTPSendsWhatItIsTold(t *testing.T) {
	t.Parallel()
	var got string
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = strings.Join([]string{r.Method, r.URL.String(), r.Host, r.Header.Get("X-A"), r.Header.Get("User-Agent"), string(body)}, " ")
	}))
	defer web.Close()
	check := httpCheck(func(v *spec.HTTPCheck) {
		v.Method, v.Path, v.Host, v.Body = "PUT", "/a?b", "www.example.com", "hello"
		v.Headers = map[string]string{"x-a": "1", "user-agent": "curl"}
	})
	if reason := probeServer(t, patience, ServerCheck{Server: key(web.Listener.Addr().String()), HTTP: check}); reason != "passed" {
		t.Fatal(reason)
	}
	if diff := cmp.Diff("PUT /a?b www.example.com 1 curl hello", got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestHTTPGoesToAnAddressAndPortOfItsOwn(t *testing.T) {
	t.Parallel()
	web := netip.MustParseAddrPort(serve(t, raw("HTTP/1.1 200 OK\r\n\r\n")))
	port := int(web.Port())
	check := httpCheck(func(v *spec.HTTPCheck) { v.Address, v.Port = web.Addr(), &port })
	if reason := probeServer(t, patience, ServerCheck{Server: key("[2001:db8::1]:0"), HTTP: check}); reason != "passed" {
		t.Error(reason)
	}
}

func TestHTTPBody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("b", maxBody-2) + "ok"
	for name, tt := range map[string]struct {
		answer, body, match, want string
	}{
		"holds the text":              {"all is well", "is we", "", "passed"},
		"does not hold it":            {"down", "is we", "", `the answer does not contain the expected "is we"`},
		"is empty":                    {"", "a", "", `the answer does not contain the expected "a"`},
		"matches":                     {"load: 12", "", `load: \d+$`, "passed"},
		"does not match":              {"load: high", "", `load: \d+$`, `the answer does not match the expected "load: \\d+$"`},
		"holds and does not match":    {"load: high", "load", "^a", `the answer does not match the expected "^a"`},
		"at the end of all it may":    {long, "ok", "ok$", "passed"},
		"is too long to be looked at": {long + "!", "b", "", "the answer is longer than 1024 KiB: check a path with a short answer"},
		"bytes that are no text":      {"\xff\x00ok", "ok", "ok", "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serve(t, raw("HTTP/1.0 200 OK\r\n\r\n"+tt.answer))
			check := httpCheck(func(v *spec.HTTPCheck) { v.ExpectedBody, v.ExpectedMatch = tt.body, tt.match })
			got := probeServer(t, patience, ServerCheck{Server: key(address), HTTP: check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPOverTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "asked for "+r.TLS.ServerName)
	}))
	web.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	// It is for 127.0.0.1, ::1, example.com and *.example.com, and signs itself.
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	https := web.Listener.Addr().String()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	known := func(v *spec.TLSCheck) { v.CACertPEM = ca }
	for name, tt := range map[string]struct {
		address string
		timeout time.Duration
		change  func(*spec.TLSCheck)
		more    func(*spec.HTTPCheck)
		want    string
	}{
		"for its address":     {https, patience, known, nil, "passed"},
		"for its name":        {https, patience, func(v *spec.TLSCheck) { known(v); v.ServerName = "www.example.com" }, func(v *spec.HTTPCheck) { v.ExpectedBody = "asked for www.example.com" }, "passed"},
		"for the host's name": {https, patience, known, func(v *spec.HTTPCheck) { v.Host, v.ExpectedBody = "a.example.com:8443", "asked for a.example.com" }, "passed"},
		"for another name": {https, patience, func(v *spec.TLSCheck) { known(v); v.ServerName = "example.net" }, nil,
			"the certificate is refused: x509: certificate is valid for example.com, *.example.com, not example.net"},
		"of an unknown authority": {https, patience, func(*spec.TLSCheck) {}, nil, "the certificate is refused: x509: certificate signed by unknown authority"},
		"not verified":            {https, patience, func(v *spec.TLSCheck) { v.Verify = false }, nil, "passed"},
		"that is valid for long":  {https, patience, func(v *spec.TLSCheck) { known(v); v.MinValidity = spec.Duration(time.Hour) }, nil, "passed"},
		"of too old a version":    {https, patience, func(v *spec.TLSCheck) { known(v); v.MinimumVersion = spec.TLS13 }, nil, "remote error: tls: protocol version not supported"},
		"that is HTTP in clear":   {serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); <-over }), patience, func(*spec.TLSCheck) {}, nil, "the answer is not TLS: first record does not look like a TLS handshake"},
		"that closes at once":     {serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }), patience, func(*spec.TLSCheck) {}, nil, "the connection was closed without an answer"},
		"that does not answer":    {serve(t, func(net.Conn) { <-over }), brief, func(*spec.TLSCheck) {}, nil, "no answer within 100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			how := spec.DefaultTLSCheck()
			tt.change(&how)
			check := httpCheck(func(v *spec.HTTPCheck) { v.TLS = &how })
			if tt.more != nil {
				tt.more(check)
			}
			got := probeServer(t, tt.timeout, ServerCheck{Server: key(tt.address), HTTP: check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPOverTLSLooksAtTheValidity(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	how := spec.TLSCheck{MinValidity: spec.Duration(time.Until(web.Certificate().NotAfter) + time.Hour)}
	check := httpCheck(func(v *spec.HTTPCheck) { v.TLS = &how })
	if got := probeServer(t, patience, ServerCheck{Server: key(web.Listener.Addr().String()), HTTP: check}); !strings.HasPrefix(got, "the certificate expires in ") {
		t.Error(got)
	}
}

func TestCertificateThatExpiresSoonFails(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	end := web.Certificate().NotAfter
	for name, tt := range map[string]struct {
		least time.Duration
		left  time.Duration
		want  string
	}{
		"not asked for": {0, -time.Hour, "passed"},
		"long enough":   {time.Hour, time.Hour, "passed"},
		"too soon":      {2 * time.Hour, time.Hour, "the certificate expires in 1h0m0s, want at least 2h0m0s"},
		"expired":       {time.Hour, -time.Second, "the certificate has expired"},
	} {
		if diff := cmp.Diff(tt.want, text(validFor(web.Certificate(), tt.least, end.Add(-tt.left)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
