package check

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// inVersion2 returns a server of HTTP/2 alone, in clear or over TLS, which does not mind bad clients.
func inVersion2(t *testing.T, overTLS bool, handler http.Handler) *httptest.Server {
	t.Helper()
	web := httptest.NewUnstartedServer(handler)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.Config.Protocols = new(http.Protocols)
	web.Config.Protocols.SetHTTP2(overTLS)
	web.Config.Protocols.SetUnencryptedHTTP2(!overTLS)
	if overTLS {
		web.EnableHTTP2 = true
		web.StartTLS()
	} else {
		web.Start()
	}
	t.Cleanup(web.Close)
	return web
}

func TestHTTPVersion2(t *testing.T) {
	t.Parallel()
	proto := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	open, secure := inVersion2(t, false, proto), inVersion2(t, true, proto)
	old, oldSecure := httptest.NewServer(proto), httptest.NewUnstartedServer(proto)
	oldSecure.Config.ErrorLog = log.New(io.Discard, "", 0)
	oldSecure.StartTLS()
	t.Cleanup(old.Close)
	t.Cleanup(oldSecure.Close)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	const closed = "the server does not speak HTTP/2"
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	headers := "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x88"
	more := "\x00\x00\x20\x09\x00\x00\x00\x00\x01" + strings.Repeat("\x88", 32)
	for name, tt := range map[string]struct {
		address string
		brief   bool
		tls     bool
		want    string
	}{
		"in clear":                 {open.Listener.Addr().String(), false, false, "passed"},
		"over TLS":                 {secure.Listener.Addr().String(), false, true, "passed"},
		"of a server of 1.1":       {old.Listener.Addr().String(), false, false, "the server does not speak HTTP/2"},
		"of a TLS server of 1.1":   {oldSecure.Listener.Addr().String(), false, true, "the server does not speak HTTP/2"},
		"of nobody":                {closedPort(t), false, false, "connection refused"},
		"of who does not accept":   {blackhole(t), true, false, "no answer within 100ms"},
		"of who says nothing":      {serve(t, func(net.Conn) { <-over }), true, false, "no answer within 100ms"},
		"of who closes at once":    {serve(t, hangUp), false, false, closed},
		"of who sends garbage":     {serve(t, endlessly("SSH-2.0-OpenSSH_9.2p1\r\n")), false, false, "the server does not speak HTTP/2"},
		"of who never ends header": {serve(t, func(c net.Conn) { _, _ = c.Write([]byte(settings + headers)); endlessly(more)(c) }), false, false, "the server does not speak HTTP/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, timeout := httpCheck(func(v *spec.HTTPCheck) { v.Version, v.ExpectedBody = spec.HTTP2, "HTTP/2.0" }), patience
			if tt.tls {
				check.TLS = &spec.TLSCheck{}
			}
			if tt.brief {
				timeout = brief
			}
			got := probeServer(t, timeout, ServerCheck{Server: key(tt.address), HTTP: check})
			if tt.want == closed && strings.HasPrefix(got, "the connection was closed ") {
				got = closed // net/http noticed it later
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPSaysWhoAsks(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "lvs" || password != "s3cret:ü" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(web.Close)
	for name, tt := range map[string]struct {
		who  *spec.BasicAuth
		want string
	}{
		"nobody":     {nil, "status 401, want 200-299"},
		"a stranger": {&spec.BasicAuth{Username: "lvs", Password: "secret"}, "status 401, want 200-299"},
		"the agent":  {&spec.BasicAuth{Username: "lvs", Password: "s3cret:ü"}, "passed"},
	} {
		check := httpCheck(func(v *spec.HTTPCheck) { v.BasicAuth = tt.who })
		if diff := cmp.Diff(tt.want, probeServer(t, patience, ServerCheck{Server: key(web.Listener.Addr().String()), HTTP: check})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestHTTPFollowsRedirectsOnTheSameServer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		to := map[string]string{
			"/relative": "/end", "/host": "http://www.example.com:8080/end", "/again": "/relative",
			"/secure": "https://www.example.com/end", "/loop": "/loop", "/file": "file:///etc/passwd", "/broken": "http://[::1",
		}[r.URL.Path]
		if to == "" {
			_, _ = io.WriteString(w, r.Host)
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(web.Close)
	here := web.Listener.Addr().String()
	for path, tt := range map[string]struct{ body, want string }{
		"/relative": {here, "passed"},
		"/again":    {here, "passed"},
		"/host":     {"www.example.com:8080", "passed"},
		"/secure":   {"", "the server redirects to https://, where this check does not go"},
		"/file":     {"", "the server redirects to file://, where this check does not go"},
		"/loop":     {"", "more than 10 redirects"},
		"/broken":   {"", `failed to parse Location header "http://[::1": parse "http://[::1": missing ']' in host`},
	} {
		check := httpCheck(func(v *spec.HTTPCheck) { v.Path, v.FollowRedirects, v.ExpectedBody = path, true, tt.body })
		if diff := cmp.Diff(tt.want, probeServer(t, patience, ServerCheck{Server: key(here), HTTP: check})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestHTTPDoesNotTellAnotherHostWhoAsks(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "http://www.example.net/end", http.StatusFound)
			return
		}
		_, _ = fmt.Fprintf(w, "authorization: %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(web.Close)
	check := httpCheck(func(v *spec.HTTPCheck) {
		v.FollowRedirects, v.BasicAuth, v.ExpectedBody = true, &spec.BasicAuth{Username: "lvs", Password: "s3cret"}, `authorization: ""`
	})
	if got := probeServer(t, patience, ServerCheck{Server: key(web.Listener.Addr().String()), HTTP: check}); got != "passed" {
		t.Error(got)
	}
}

func TestHTTPSendsAllRequestsEachRound(t *testing.T) {
	t.Parallel()
	var log []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log = append(log, r.Method+" "+r.URL.Path)
		if r.URL.Path == "/sick" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, `{"status":"up"}`)
	}))
	defer web.Close()
	more := func(path string, change func(*spec.HTTPRequest)) spec.AdditionalRequest {
		r := spec.AdditionalRequest{HTTPRequest: spec.DefaultHTTPRequest()}
		r.Path = path
		if change != nil {
			change(&r.HTTPRequest)
		}
		return r
	}
	ask := func(requests ...spec.AdditionalRequest) string {
		check := httpCheck(func(v *spec.HTTPCheck) { v.AdditionalRequests = requests })
		return probeServer(t, patience, ServerCheck{Server: key(web.Listener.Addr().String()), HTTP: check})
	}
	post := more("/b", func(r *spec.HTTPRequest) { r.Method, r.ExpectedJSON = "POST", map[string]string{"/status": "up"} })
	if diff := cmp.Diff("passed", ask(more("/a", nil), post)); diff != "" {
		t.Errorf("all pass (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("/sick: status 503, want 200-299", ask(more("/sick", nil), post)); diff != "" {
		t.Errorf("the second fails (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET /", "GET /a", "POST /b", "GET /", "GET /sick"}, log); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestHTTPExpectsJSON(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"status":"up"}`:   "passed",
		`{"status":"down"}`: `the answer has "down" at "/status", want "up"`,
		"":                  `the answer has nothing at "/status", want "up"`,
		strings.Repeat(" ", maxBody+1) + `{"status":"up"}`: "the answer is longer than 1024 KiB: check a path with a short answer",
	} {
		address := serve(t, raw("HTTP/1.0 200 OK\r\n\r\n"+answer))
		check := httpCheck(func(v *spec.HTTPCheck) { v.ExpectedJSON = map[string]string{"/status": "up"} })
		if diff := cmp.Diff(want, probeServer(t, patience, ServerCheck{Server: key(address), HTTP: check})); diff != "" {
			t.Errorf("%.20q (-want +got):\n%s", answer, diff)
		}
	}
}

func TestHTTPShowsItsCertificate(t *testing.T) {
	t.Parallel()
	config, ca := selfSigned(t)
	mine := config.Certificates[0]
	key8, err := x509.MarshalPKCS8PrivateKey(mine.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := spec.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key8}))
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(ca))
	web.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	web.StartTLS()
	t.Cleanup(web.Close)
	for name, tt := range map[string]struct {
		change func(*spec.TLSCheck)
		want   string
	}{
		"none":            {func(*spec.TLSCheck) {}, "remote error: tls: handshake failure"},
		"its own":         {func(v *spec.TLSCheck) { v.ClientCertPEM, v.ClientKeyPEM = ca, keyPEM }, "passed"},
		"one without key": {func(v *spec.TLSCheck) { v.ClientCertPEM = ca }, "the client certificate cannot be used: tls: failed to find any PEM data in key input"},
	} {
		how := spec.TLSCheck{}
		tt.change(&how)
		check := httpCheck(func(v *spec.HTTPCheck) { v.TLS = &how })
		if diff := cmp.Diff(tt.want, probeServer(t, patience, ServerCheck{Server: key(web.Listener.Addr().String()), HTTP: check})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
