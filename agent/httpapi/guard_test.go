package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func line(name, scope, secret, expiry string) string {
	return fmt.Sprintf("%s %s sha256:%x %s\n", name, scope, sha256.Sum256([]byte(secret)), expiry)
}

func TestATokenThatExpiredIsRefused(t *testing.T) {
	t.Parallel()
	tokens, err := ParseTokens([]byte(line("old", "write", "one", "2020-01-01") + line("new", "write", "two", "2999-12-31T23:59:59Z")))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	f.handler = newGuard(Config{Tokens: tokens, Log: slog.New(slog.DiscardHandler)}, f.handler)
	if body := f.want(t, http.StatusUnauthorized, "GET", "/v1/status", "", "Authorization", "Bearer one"); !strings.Contains(body, `\"old\" expired on 2020-01-01`) {
		t.Errorf("answered %s", body)
	}
	f.want(t, http.StatusOK, "GET", "/v1/status", "", "Authorization", "Bearer two")
	// A token in the URL would be in logs.
	f.want(t, http.StatusUnauthorized, "GET", "/v1/status?token=two&access_token=two", "")
}

func TestTokensAreReadAgainAndABadFileLocksNobodyOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(line("a", "write", "one", ""))
	tokens, err := LoadTokens(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	write(line("a", "write", "another", "") + line("b", "read", "two", ""))
	await(t, "the new token is known", func() bool { _, ok := tokens.find("two"); return ok })
	if _, ok := tokens.find("one"); ok {
		t.Error("a token that was removed is still known")
	}
	write("half a li")
	if err := tokens.Reload(); err == nil {
		t.Error("half a line is no error")
	}
	if _, ok := tokens.find("two"); !ok {
		t.Error("after a bad file the former tokens do not count")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	write(line("c", "write", "three", ""))
	if err := tokens.Reload(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, "what the message says has an effect", func() bool { _, ok := tokens.find("three"); return ok })
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestClientCertificatesHaveTheScopesOfTheirNames(t *testing.T) {
	t.Parallel()
	tokens, err := ParseTokens([]byte(line("a", "write", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]Scope{"terraform": ScopeWrite, "monitoring": ScopeRead}
	for name, tt := range map[string]struct {
		name, method string
		clients      map[string]Scope
		tokens       *Tokens
		token        string
		want         int
	}{
		"writer writes":                   {name: "terraform", method: "PUT", clients: clients, want: 201},
		"reader reads":                    {name: "monitoring", method: "GET", clients: clients, want: 404},
		"reader writes":                   {name: "monitoring", method: "PUT", clients: clients, want: 403},
		"unknown name":                    {name: "mallory", method: "GET", clients: clients, want: 403},
		"unknown name with a token":       {name: "mallory", method: "PUT", clients: clients, tokens: tokens, token: "secret", want: 201},
		"unknown name where tokens count": {name: "mallory", method: "GET", clients: clients, tokens: tokens, want: 401},
		"any name where none is said":     {name: "mallory", method: "PUT", want: 201},
		"no name at all":                  {name: "", method: "GET", clients: clients, want: 403},
		"reader asks for the whole state": {name: "monitoring", method: "GET /v1/backup", clients: clients, want: 403},
		"page in the writer's browser":    {name: "terraform", method: "POST", clients: clients, want: 403},
		"reader asks for heads":           {name: "monitoring", method: "HEAD", clients: clients, want: 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			handler := newGuard(Config{Tokens: tt.tokens, Clients: tt.clients, Log: slog.New(slog.DiscardHandler)}, f.handler)
			method, path := tt.method, servicePath
			if strings.HasPrefix(method, "GET /") {
				method, path, _ = strings.Cut(method, " ")
			}
			r := httptest.NewRequest(method, path, strings.NewReader(service))
			certificate := &x509.Certificate{}
			certificate.Subject.CommonName = tt.name
			r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{certificate}}}
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			if method == "POST" {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, tt.want)
			}
		})
	}
}

func TestOnLoopbackNobodyElsesNameIsAnswered(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"127.0.0.1:8443": 200, "localhost:8443": 200, "LOCALHOST": 200, "[::1]:8443": 200, "127.0.0.53": 200,
		"evil.example:8443": 421, "192.0.2.1:8443": 421, "localhost.evil.example": 421, "": 421, "[": 421,
	} {
		f := newFixture(t)
		r := httptest.NewRequest(http.MethodGet, "/v1/status", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443})))
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q answered %d, want %d", host, w.Code, want)
		}
	}
}

func TestRefusedRequestsAreLoggedWithTheirSourceUntilThereAreTooMany(t *testing.T) {
	t.Parallel()
	tokens, err := ParseTokens([]byte(line("a", "write", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	f := newFixture(t)
	f.handler = newGuard(Config{Tokens: tokens, Log: slog.New(slog.NewTextHandler(&log, nil))}, f.handler)
	for range maxFailures {
		f.want(t, http.StatusUnauthorized, "GET", "/v1/status", "", "Authorization", "Bearer wrong-secret")
	}
	for range 3 {
		answer := f.call(t, "GET", "/v1/status", "", "Authorization", "Bearer wrong-secret")
		if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
			t.Errorf("answered %d, want 429 with Retry-After", answer.StatusCode)
		}
	}
	f.want(t, http.StatusOK, "GET", "/v1/status", "", "Authorization", "Bearer secret") // nobody can lock others out
	if got := strings.Count(log.String(), "refused a request"); got != maxFailures || !strings.Contains(log.String(), "source=192.0.2.1 ") {
		t.Errorf("%d lines: %s", got, log.String())
	}
	if strings.Contains(log.String(), "wrong-secret") {
		t.Error("what was sent is in the log")
	}
}

func TestFailuresCountByNetworkAndWindow(t *testing.T) {
	t.Parallel()
	f, now := newFailures(), time.Now()
	for range maxFailures {
		f.add("2001:db8::1", now)
	}
	if f.add("2001:db8::2", now) {
		t.Error("another address of the same /64 counts by itself")
	}
	if !f.add("2001:db8:0:1::2", now) || !f.add("192.0.2.1", now) {
		t.Error("others are counted with it")
	}
	if !f.add("2001:db8::1", now.Add(failureWindow)) {
		t.Error("it lasts for ever")
	}
	for n := range 2 * maxSources {
		f.add(fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255), now)
	}
	if len(f.by) > maxSources {
		t.Errorf("%d sources are remembered", len(f.by))
	}
}

func TestChangesAreAudited(t *testing.T) {
	t.Parallel()
	tokens, err := ParseTokens([]byte(line("terraform", "write", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	f := newFixture(t)
	f.handler = held(t, Config{Store: f.store, Director: f, Tokens: tokens, Version: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
	as := []string{"Authorization", "Bearer secret", requestIDHeader, "run-17"}
	f.want(t, http.StatusOK, "PUT", servicePath+"?dry_run=true", service, as...)
	created := f.call(t, "PUT", servicePath, service, as...)
	f.want(t, http.StatusOK, "PUT", servicePath, service, as...) // changes nothing
	changed := f.call(t, "PUT", servicePath, strings.Replace(service, "wrr", "rr", 1), as...)
	f.want(t, http.StatusNoContent, "DELETE", servicePath, "", as...)
	f.want(t, http.StatusNoContent, "DELETE", servicePath, "", as...)
	if got := created.Header.Get(requestIDHeader); got != "run-17" {
		t.Errorf("the request's id is %q", got)
	}
	one, two := created.Header.Get("ETag"), changed.Header.Get("ETag")
	who := ` caller=terraform source=192.0.2.1 request=run-17`
	for _, want := range []string{
		fmt.Sprintf(`audit=put kind="virtual server" name=web old="" new=%q%s`, one, who),
		fmt.Sprintf(`audit=put kind="virtual server" name=web old=%q new=%q%s`, one, two, who),
		fmt.Sprintf(`audit=delete kind="virtual server" name=web old=%q new=""%s`, two, who),
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no line with %s in\n%s", want, log.String())
		}
	}
	if got := strings.Count(log.String(), "audit="); got != 3 {
		t.Errorf("%d changes were audited, want 3:\n%s", got, log.String())
	}
}

func TestWhatIsNoPutIsAuditedToo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before        []string // method and path
		method, path  string
		body          string
		status, lines int
		want          string
	}{
		"a backup":                    {method: "GET", path: backupPath, status: http.StatusOK, lines: 1, want: "audit=backup"},
		"a drain":                     {method: "POST", path: serverURL + "/drain", status: http.StatusOK, lines: 1, want: `audit=drain kind="real server" name=web/192.0.2.21:80 old="" new="\"`},
		"a drain that goes on":        {before: []string{"POST", serverURL + "/drain"}, method: "POST", path: serverURL + "/drain", status: http.StatusOK},
		"the end of a drain":          {before: []string{"POST", serverURL + "/drain"}, method: "DELETE", path: serverURL + "/drain", status: http.StatusNoContent, lines: 1, want: `audit="end drain"`},
		"the end of none":             {method: "DELETE", path: serverURL + "/drain", status: http.StatusNoContent},
		"a hold":                      {method: "PUT", path: instancePath + "?hold=30s", body: instance, status: http.StatusCreated, lines: 2, want: "audit=hold"},
		"a dry run of a hold":         {method: "PUT", path: instancePath + "?hold=30s&dry_run=true", body: instance, status: http.StatusOK},
		"a hold with what is refused": {method: "PUT", path: instancePath + "?hold=30s", body: "{}", status: http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = state.Close() })
			var log bytes.Buffer
			f := &fixture{fakeDirector: &fakeDirector{store: state}, store: state}
			f.handler = held(t, Config{Store: state, Director: f, Routers: &fakeRouters{}, Version: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
			f.want(t, http.StatusCreated, "PUT", servicePath, service)
			f.want(t, http.StatusCreated, "PUT", serverURL, server)
			if tt.before != nil {
				f.call(t, tt.before[0], tt.before[1], "")
			}
			log.Reset()
			f.want(t, tt.status, tt.method, tt.path, tt.body)
			if got := strings.Count(log.String(), "audit="); got != tt.lines || !strings.Contains(log.String(), tt.want) {
				t.Errorf("logged %s, want %d lines, with %s", log.String(), tt.lines, tt.want)
			}
		})
	}
}

func TestOnAUnixSocketTheUserIsKnown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "agent.sock")
	var log bytes.Buffer
	f := newFixture(t)
	logger := slog.New(slog.NewTextHandler(&log, nil))
	f.handler = held(t, Config{Store: f.store, Director: f, Version: "test", Log: logger})
	server, err := Listen("unix://"+path, TLSFiles{}, nil, 0, f.handler, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://agent"+servicePath, strings.NewReader(service))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`caller="uid %d" source="pid %d"`, os.Getuid(), os.Getpid()); !strings.Contains(log.String(), want) {
		t.Errorf("no %s in %s", want, log.String())
	}
}

func TestACertificateThatIsReplacedIsShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("server", netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	base := serve(t, TLSFiles{Cert: cert, Key: key}, nil)
	shown := func() string {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(base, "https://"), &tls.Config{RootCAs: pool(t, ca)})
		if err != nil {
			return err.Error()
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := shown()
	if err := os.WriteFile(cert, []byte("half a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookAtFiles + 100*time.Millisecond)
	if got := shown(); got != first {
		t.Errorf("while its file is written %s is shown, want %s", got, first)
	}
	if _, _, err := ca.Issue("server", netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	await(t, "the new certificate is shown", func() bool { got := shown(); return got != first })
}

func TestTLS12IsTakenByChoiceAlone(t *testing.T) {
	t.Parallel()
	ca, err := lab.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("server", netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []bool{false, true} {
		base := serve(t, TLSFiles{Cert: cert, Key: key, AllowTLS12: allowed}, nil)
		conn, err := tls.Dial("tcp", strings.TrimPrefix(base, "https://"), &tls.Config{RootCAs: pool(t, ca), MaxVersion: tls.VersionTLS12})
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != allowed {
			t.Errorf("TLS 1.2, allowed %t: %v", allowed, err)
		}
	}
}
