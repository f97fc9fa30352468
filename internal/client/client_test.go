package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// answer is a handler that always gives the same answer.
func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
}

// newClient returns a client of a server on loopback.
func newClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return dialed(t, Config{Name: "d1", Endpoint: server.URL, Token: "letmein"})
}

func dialed(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.http.HTTPClient.CloseIdleConnections)
	return c
}

const (
	problemJSON = "application/problem+json"
	okServer    = `{"spec":{"weight":9},"status":{"healthy":true,"weight":9},"etag":"\"x\"","newer":true}`
)

func TestRequestsAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	var got []string
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a short body fails the comparison
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s%s%s%s", r.Method, r.URL.RequestURI(), body,
			field(r, "If-None-Match"), field(r, "If-Match"), field(r, "Idempotency-Key"))))
		if r.Header.Get("Authorization") != "Bearer letmein" {
			t.Errorf("Authorization is %q", r.Header.Get("Authorization"))
		}
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(http.StatusOK, "application/json", okServer)(w, r)
	})
	ctx := t.Context()
	key := spec.ServerKey{VirtualServer: "web", Address: netip.MustParseAddrPort("[2001:db8::1]:80")}.String()
	_, err1 := c.RealServers().Put(ctx, "web/192.0.2.21:80", spec.RealServer{Weight: 9}, PutOptions{CreateOnly: true, IdempotencyKey: "k"})
	_, err2 := c.RealServers().Put(ctx, key, spec.RealServer{Weight: 9}, PutOptions{DryRun: true})
	object, err3 := c.RealServers().Get(ctx, key)
	err4 := c.VirtualServers().Delete(ctx, "web", DeleteOptions{Cascade: true, IfMatch: `"x"`})
	_, err5 := c.VRRPInstances().Get(ctx, "web.1")
	_, err6 := c.CheckScripts().Get(ctx, "gateway")
	_, err7 := c.Failover(ctx, "web")
	err8 := c.EndFailover(ctx, "web")
	_, err9 := c.IPVSSettings().Get(ctx, spec.IPVSSettingsKey)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`PUT /v1/virtual-servers/web/real-servers/192.0.2.21:80 {"weight":9} If-None-Match=* Idempotency-Key=k`,
		`PUT /v1/virtual-servers/web/real-servers/%5B2001:db8::1%5D:80?dry_run=true {"weight":9}`,
		`GET /v1/virtual-servers/web/real-servers/%5B2001:db8::1%5D:80`,
		`DELETE /v1/virtual-servers/web?cascade=true  If-Match="x"`,
		`GET /v1/vrrp-instances/web.1`,
		`GET /v1/check-scripts/gateway`,
		`POST /v1/vrrp-instances/web/failover`,
		`DELETE /v1/vrrp-instances/web/failover`,
		`GET /v1/ipvs-settings`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&spec.Object[spec.RealServer, spec.RealServerStatus]{
		Spec: spec.RealServer{Weight: 9}, ETag: `"x"`,
		Status: spec.RealServerStatus{RealServerState: spec.RealServerState{Healthy: true, Weight: 9}},
	}, object); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func field(r *http.Request, name string) string {
	if v := r.Header.Get(name); v != "" {
		return " " + name + "=" + v
	}
	return ""
}

func TestRefusalSaysWhoRefusedWhatAndHowToMendIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"wrong token": {
			answer(401, problemJSON, `{"title":"Unauthorized","detail":"the token is not known"}`),
			"director d1: read virtual server web: it refused the token: set token (or LVS_TOKEN) to one of the agent's tokens, or use a client certificate (the token is not known)",
		},
		"read-only token": {
			answer(403, problemJSON, `{"title":"Forbidden"}`),
			"director d1: read virtual server web: the token may not do that: use one with the write scope",
		},
		"detail":        {answer(409, problemJSON, `{"title":"Conflict","detail":"it has servers"}`), "director d1: read virtual server web: it has servers"},
		"fields":        {answer(422, problemJSON, `{"errors":[{"pointer":"/port","detail":"too big"}]}`), "director d1: read virtual server web: port: too big"},
		"title":         {answer(500, problemJSON, `{"title":"Internal Server Error"}`), "director d1: read virtual server web: Internal Server Error"},
		"bare":          {answer(500, problemJSON, `{}`), "director d1: read virtual server web: it answered with status 500"},
		"cut off":       {answer(500, problemJSON, `{"title":`), "the answer (500 Internal Server Error) is cut off or garbled"},
		"another's 404": {answer(404, "text/html", `<html>`), "the answer (404 Not Found) is not that of lvs-agent: is http://127.0.0.1:"},
		"another's 200": {answer(200, "text/html", `<html>`), "the answer is not that of lvs-agent: is http://127.0.0.1:"},
		"another's API": {answer(200, "application/json", `{"items":[]}`), "the answer is not that of lvs-agent: is http://127.0.0.1:"},
		"empty":         {answer(200, "application/json", ``), "the answer is not that of lvs-agent"},
		"redirect":      {http.RedirectHandler("https://192.0.2.1/", http.StatusFound).ServeHTTP, "the answer (302 Found) is not that of lvs-agent"},
		"too long": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+2)) }, // the client hangs up
			"the answer is longer than 64 MiB",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, test.handler).VirtualServers().Get(t.Context(), "web")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v,\nwant it to say %q", err, test.want)
			}
			if IsUnreachable(err) {
				t.Error("a director that answers counts as unreachable")
			}
		})
	}
}

func TestDirectorIsNotFlooded(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var busy, most int
	var once sync.Once
	full := make(chan struct{})
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		busy++
		if most = max(most, busy); busy == maxCalls {
			once.Do(func() { close(full) }) // the first ones wait for one another, so the bound is reached
		}
		mu.Unlock()
		defer func() { mu.Lock(); busy--; mu.Unlock() }()
		<-full
		time.Sleep(50 * time.Millisecond) // for more to come, if more may
		answer(200, "application/json", okServer)(w, r)
	})
	var wg sync.WaitGroup
	for range 4 * maxCalls {
		wg.Go(func() {
			if _, err := c.RealServers().Get(t.Context(), "web/192.0.2.21:80"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most != maxCalls {
		t.Errorf("%d requests were under way at a time, want %d", most, maxCalls)
	}
}

func TestSnapshotThatIsKnownIsNotSentAgain(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"1"`)
		answer(200, "application/json", `{"name":"d1","version":"test"}`)(w, r)
	})
	s, etag, err := c.SnapshotUnless(t.Context(), "")
	if err != nil || s == nil || etag != `"1"` {
		t.Fatalf("the first is %+v, %s, %v", s, etag, err)
	}
	if s, etag, err = c.SnapshotUnless(t.Context(), etag); err != nil || s != nil || etag != `"1"` {
		t.Errorf("the second is %+v, %s, %v", s, etag, err)
	}
	if s, etag, err = c.SnapshotUnless(t.Context(), `"0"`); err != nil || s == nil || etag != `"1"` {
		t.Errorf("instead of another it is %+v, %s, %v", s, etag, err)
	}
}

// A 304 that nobody asked for is no answer of the agent's.
func TestNotModifiedThatNobodyAskedForIsAStrangers(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	if _, err := c.Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), "not that of lvs-agent") {
		t.Errorf("error is %v", err)
	}
}

func TestSnapshotAndStatusOfAStrangerAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, answer(200, "application/json", `{}`))
	_, err := c.Snapshot(t.Context())
	_, err2 := c.Status(t.Context())
	for _, err := range []error{err, err2} {
		// Taken for a director's, it would say that nothing exists any more.
		if err == nil || !strings.Contains(err.Error(), "not that of lvs-agent") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestBusyDirectorIsAskedAgainAndADecidedOneIsNot(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int32{
		502: 3, 503: 3, 504: 3,
		400: 1, 401: 1, 404: 1, 409: 1, 412: 1, 422: 1, 500: 1,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"weight":1}` {
					t.Errorf("body is %q, %v", body, err)
				}
				answer(status, problemJSON, `{"detail":"no"}`)(w, r)
			})
			_, err := c.RealServers().Put(t.Context(), "web/192.0.2.21:80", spec.RealServer{Weight: 1}, PutOptions{})
			if !IsStatus(err, status) || asked.Load() != want {
				t.Errorf("asked %d times, want %d; error is %v", asked.Load(), want, err)
			}
		})
	}
}

func TestConnectionThatBreaksIsTriedAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
		answer(http.StatusOK, "application/json", okServer)(w, r)
	})
	if _, err := c.RealServers().Put(t.Context(), "web/192.0.2.21:80", spec.RealServer{Weight: 9}, PutOptions{}); err != nil {
		t.Error(err)
	}
}

func TestDirectorThatDoesNotAnswerIsUnreachable(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(answer(200, "", ""))
	gone.Close()
	stalled := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	stuck := httptest.NewServer(http.HandlerFunc(stalled))
	t.Cleanup(stuck.Close)
	plain := httptest.NewServer(answer(200, "", ""))
	t.Cleanup(plain.Close)
	secure := newTLSServer(t, &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1").pair}})
	other := certificate(t, "other.example")
	named := newTLSServer(t, &tls.Config{Certificates: []tls.Certificate{other.pair}})
	closed := newTLSServer(t, &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1").pair}, ClientAuth: tls.RequireAnyClientCert})

	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"refused":            {Config{Endpoint: gone.URL}, "connection refused: is lvs-agent running there"},
		"stalled":            {Config{Endpoint: stuck.URL, Timeout: 200 * time.Millisecond}, "did not answer in time"},
		"no socket":          {Config{Endpoint: "unix://" + t.TempDir() + "/agent.sock"}, "no such socket"},
		"unknown authority":  {Config{Endpoint: secure.url}, "set ca_cert_file"},
		"plain on TLS":       {Config{Endpoint: strings.Replace(plain.URL, "http:", "https:", 1)}, "does not speak TLS"},
		"another name":       {Config{Endpoint: named.url, CACert: other.pem}, "for another name"},
		"client certificate": {Config{Endpoint: closed.url, CACert: closed.ca}, "client certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.Name = "d2"
			_, err := dialed(t, test.config).Snapshot(t.Context())
			if !IsUnreachable(err) || !strings.Contains(err.Error(), "director d2: read the snapshot: no answer from "+test.config.Endpoint) ||
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v,\nwant it to say %q", err, test.want)
			}
		})
	}
}

func TestInterruptedCallSaysNothingAboutTheDirector(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := c.Status(ctx)
	if !errors.Is(err, context.Canceled) || IsUnreachable(err) {
		t.Errorf("error is %v", err)
	}
}

func TestClientCertificateLetsIn(t *testing.T) {
	t.Parallel()
	server := newTLSServer(t, &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1").pair}, ClientAuth: tls.RequireAnyClientCert})
	mine := certificate(t, "me")
	c := dialed(t, Config{Name: "d1", Endpoint: server.url, CACert: server.ca, ClientCert: mine.pem, ClientKey: mine.key})
	if _, err := c.RealServers().Get(t.Context(), "web/192.0.2.21:80"); err != nil {
		t.Error(err)
	}
}

func TestUnixSocketIsSpokenTo(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: answer(200, "application/json", okServer)}}
	server.Start()
	t.Cleanup(server.Close)
	c := dialed(t, Config{Name: "d1", Endpoint: "unix://" + socket})
	if _, err := c.RealServers().Get(t.Context(), "web/192.0.2.21:80"); err != nil {
		t.Error(err)
	}
}

func TestConfigurationThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	mine := certificate(t, "me")
	for want, config := range map[string]Config{
		"director d1: \"\" does not begin": {Name: "d1"},
		"no certificate in PEM form":       {Endpoint: "https://d1", CACert: []byte("no PEM")},
		"come together":                    {Endpoint: "https://d1", ClientCert: mine.pem},
		"read the client certificate":      {Endpoint: "https://d1", ClientCert: mine.pem, ClientKey: certificate(t, "you").key},
	} {
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want it to say %q", err, want)
		}
	}
}

type tlsServer struct {
	url string
	ca  []byte
}

func newTLSServer(t *testing.T, config *tls.Config) tlsServer {
	t.Helper()
	server := httptest.NewUnstartedServer(answer(200, "application/json", okServer))
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what some tests are about
	server.StartTLS()
	t.Cleanup(server.Close)
	return tlsServer{server.URL, encode("CERTIFICATE", config.Certificates[0].Certificate[0])}
}

type identity struct {
	pair     tls.Certificate
	pem, key []byte
}

// certificate makes a certificate that signs itself, for a name or an address.
func certificate(t *testing.T, name string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id := identity{pem: encode("CERTIFICATE", der), key: encode("PRIVATE KEY", private)}
	if id.pair, err = tls.X509KeyPair(id.pem, id.key); err != nil {
		t.Fatal(err)
	}
	return id
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
