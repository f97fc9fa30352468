package check

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestTCP(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		address string
		timeout time.Duration
		want    string
	}{
		"accepts":         {serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), patience, "passed"},
		"closes at once":  {serve(t, func(net.Conn) {}), patience, "passed"},
		"refuses":         {closedPort(t), patience, "connection refused"},
		"does not answer": {blackhole(t), brief, "no answer within 100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := ServerCheck{Server: key(tt.address), TCP: &spec.TCPCheck{}}
			if diff := cmp.Diff(tt.want, probeServer(t, tt.timeout, check)); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, connectServer(t, tt.timeout, check)); diff != "" {
				t.Errorf("reason by the Connector (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTCPClosesItsConnection(t *testing.T) {
	t.Parallel()
	conn, other := net.Pipe()
	defer func() { _ = other.Close() }()
	n := Network{Dial: func(*net.Dialer, context.Context, string, string) (net.Conn, error) { return conn, nil }}
	if err := n.Server(t.Context(), ServerCheck{Server: key("192.0.2.21:80"), TCP: &spec.TCPCheck{}}); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Time{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestTCPOverIPv6(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	check := ServerCheck{Server: key(l.Addr().String()), TCP: &spec.TCPCheck{}}
	if got := probeServer(t, patience, check); got != "passed" {
		t.Error(got)
	}
	if got := connectServer(t, patience, check); got != "passed" {
		t.Error("by the Connector:", got)
	}
}

func TestHTTPStatus(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/sick":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/elsewhere":
			http.Redirect(w, r, "/moved", http.StatusFound)
		case "/moved":
			followed.Store(true)
		case "/echo":
			here := r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
			if r.Method != http.MethodGet || r.URL.RawQuery != "a=b&c=%20" || r.Host != here || !r.Close {
				w.WriteHeader(http.StatusTeapot)
			}
		}
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(web.Close)
	t.Cleanup(func() {
		if followed.Load() {
			t.Error("a redirect was followed")
		}
	})
	good := spec.StatusRange{First: 200, Last: 299}
	only := func(code int) spec.StatusRange { return spec.StatusRange{First: code, Last: code} }
	for name, tt := range map[string]struct {
		path     string
		expected []spec.StatusRange
		want     string
	}{
		"expected":                     {"/", []spec.StatusRange{good}, "passed"},
		"another":                      {"/sick", []spec.StatusRange{good}, "status 503, want 200-299"},
		"another than several":         {"/sick", []spec.StatusRange{only(404), good}, "status 503, want 404, 200-299"},
		"of the second range":          {"/sick", []spec.StatusRange{good, only(503)}, "passed"},
		"redirect":                     {"/elsewhere", []spec.StatusRange{good}, "status 302, want 200-299"},
		"redirect that is expected":    {"/elsewhere", []spec.StatusRange{only(302)}, "passed"},
		"with query and host":          {"/echo?a=b&c=%20", []spec.StatusRange{good}, "passed"},
		"path that cannot be asked of": {"/%zz", []spec.StatusRange{good}, `the path "/%zz" cannot be requested`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := probeServer(t, patience, ServerCheck{
				Server: key(web.Listener.Addr().String()),
				HTTP:   &spec.HTTPCheck{HTTPRequest: spec.HTTPRequest{Path: tt.path, ExpectedStatus: tt.expected}},
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPFromServersThatMisbehave(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	check := spec.DefaultHTTPCheck()
	for name, tt := range map[string]struct {
		address string
		timeout time.Duration
		want    string
	}{
		"refuses":                  {closedPort(t), patience, "connection refused"},
		"does not accept":          {blackhole(t), brief, "no answer within 100ms"},
		"does not answer":          {serve(t, func(net.Conn) { <-over }), brief, "no answer within 100ms"},
		"closes without an answer": {serve(t, raw("")), patience, "the connection was closed without an answer"},
		"closes in the header":     {serve(t, raw("HTTP/1.1 200 OK\r\nX-A: b\r\n")), patience, "the connection was closed in the middle of the answer"},
		"closes in the body":       {serve(t, raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")), patience, "the connection was closed in the middle of the answer"},
		"stops in the body": {serve(t, func(c net.Conn) {
			raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")(c)
			<-over
		}), brief, "no answer within 100ms"},
		"garbage":             {serve(t, raw("SSH-2.0-OpenSSH_9.2p1\r\n")), patience, `the answer is not HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9.2p1"`},
		"garbage in a chunk":  {serve(t, raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")), patience, "invalid byte in chunk length"},
		"header without end":  {serve(t, endless("HTTP/1.1 200 OK\r\n", "X-A: b\r\n")), patience, "the answer's header is longer than 64 KiB"},
		"interim answers":     {serve(t, endless("", "HTTP/1.1 100 Continue\r\n\r\n")), patience, "the answer's header is longer than 64 KiB"},
		"long header":         {serve(t, raw("HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("b", 100<<10)+"\r\nContent-Length: 0\r\n\r\n")), patience, "the answer's header is longer than 64 KiB"},
		"line without end":    {serve(t, endless("HTTP/1.1 200 OK\r\nX-A: ", strings.Repeat("b", 1000))), patience, "the answer's header is longer than 64 KiB"},
		"body without end":    {serve(t, endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("b", 1000))), patience, "the answer is longer than 1024 KiB: check a path with a short answer"},
		"body as long as may": {serve(t, raw("HTTP/1.0 200 OK\r\n\r\n"+strings.Repeat("b", 1<<20))), patience, "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := probeServer(t, tt.timeout, ServerCheck{Server: key(tt.address), HTTP: &check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPAsksNoProxy(t *testing.T) {
	proxy := "http://" + serve(t, raw("HTTP/1.1 500 This is the proxy\r\n\r\n"))
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	web := serve(t, raw("HTTP/1.1 200 OK\r\n\r\n"))
	var dialed string
	n := Network{Dial: func(_ *net.Dialer, ctx context.Context, network, address string) (net.Conn, error) {
		dialed = address // which is not on loopback, where no proxy would be asked anyway
		return (&net.Dialer{}).DialContext(ctx, network, web)
	}}
	ctx, cancel := withTimeout(t.Context(), patience)
	defer cancel()
	check := spec.DefaultHTTPCheck()
	if err := n.Server(ctx, ServerCheck{Server: key("192.0.2.21:80"), HTTP: &check}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("192.0.2.21:80", dialed); diff != "" {
		t.Errorf("dialed (-want +got):\n%s", diff)
	}
}

func TestAllKindsMustPass(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	healthy := spec.HTTPCheck{HTTPRequest: spec.HTTPRequest{Path: "/", ExpectedStatus: []spec.StatusRange{{First: 404, Last: 404}}}}
	sick := spec.DefaultHTTPCheck()
	up, down := key(web.Listener.Addr().String()), key(closedPort(t))
	for name, tt := range map[string]struct {
		check ServerCheck
		want  string
	}{
		"both pass":           {ServerCheck{Server: up, TCP: &spec.TCPCheck{}, HTTP: &healthy}, "passed"},
		"one fails":           {ServerCheck{Server: up, TCP: &spec.TCPCheck{}, HTTP: &sick}, "http: status 404, want 200-299"},
		"both fail":           {ServerCheck{Server: down, TCP: &spec.TCPCheck{}, HTTP: &sick}, "tcp: connection refused; http: connection refused"},
		"nothing is named":    {ServerCheck{Server: up}, "the health check names nothing to check"},
		"its script is gone":  {ServerCheck{Server: up, TCP: &spec.TCPCheck{}, Script: &ServerScript{Name: "db"}}, `script: check script "db" does not exist on this director`},
		"nobody runs scripts": {ServerCheck{Server: up, Script: &ServerScript{Name: "db", Command: []string{"/x"}}}, "this agent runs no programs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, probeServer(t, patience, tt.check)); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKindsAreProbedAtTheSameTime(t *testing.T) {
	t.Parallel()
	var waiting atomic.Int32
	both := make(chan struct{})
	n := Network{Dial: func(_ *net.Dialer, ctx context.Context, _, _ string) (net.Conn, error) {
		if waiting.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
			return nil, errors.New("both came")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	ctx, cancel := withTimeout(t.Context(), patience)
	defer cancel()
	check := spec.DefaultHTTPCheck()
	got := text(n.Server(ctx, ServerCheck{Server: key("192.0.2.21:80"), TCP: &spec.TCPCheck{}, HTTP: &check}))
	if diff := cmp.Diff("tcp: both came; http: both came", got); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

// A probe that was given up must leave nothing behind, or a server that is dead for a day fills the
// memory. Not parallel: it counts goroutines.
func TestProbesLeaveNoGoroutine(t *testing.T) {
	over := make(chan struct{})
	silent, dead, lost := serve(t, func(net.Conn) { <-over }), blackhole(t), datagrams(t, func([]byte) [][]byte { return nil })
	serving := rpcServer(t, withHealth)
	check, newer := spec.DefaultHTTPCheck(), *httpCheck(func(v *spec.HTTPCheck) { v.Version = spec.HTTP2 })
	mail, name, nameOverTCP := spec.DefaultSMTPCheck(), spec.DefaultDNSCheck(), spec.DefaultDNSCheck()
	name.Name, nameOverTCP.Name, nameOverTCP.Protocol = "www.example.com", "www.example.com", spec.TCP
	before := runtime.NumGoroutine()
	for range 5 {
		for _, address := range []string{silent, dead, serving} {
			_ = probeServer(t, 10*time.Millisecond, ServerCheck{Server: key(address), TCP: &spec.TCPCheck{Expect: "a"}, HTTP: &check, SMTP: &mail, DNS: &nameOverTCP, GRPC: &spec.GRPCCheck{}})
			_ = probeServer(t, 10*time.Millisecond, ServerCheck{Server: key(address), HTTP: &newer})
		}
		_ = probeServer(t, 10*time.Millisecond, ServerCheck{Server: key(lost), UDP: &spec.UDPCheck{Expect: "a"}, DNS: &name})
		_ = probeServer(t, patience, ServerCheck{Server: key(serving), GRPC: &spec.GRPCCheck{}})
	}
	close(over)
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestProbeThatIsStoppedSaysWhy(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the agent stops"))
	check := spec.DefaultHTTPCheck()
	got := text(Network{}.Server(ctx, ServerCheck{Server: key(closedPort(t)), TCP: &spec.TCPCheck{}, HTTP: &check}))
	if diff := cmp.Diff("tcp: the agent stops; http: the agent stops", got); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

func TestReasonsAreOneBoundedLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"plain":               {"no database", "no database"},
		"control characters":  {"a\x1b[31mred\t\x07b", "a [31mred  b"},
		"lines":               {"\none\ntwo\n", "one two"},
		"not UTF-8":           {"caf\xe9", "caf?"},
		"long":                {strings.Repeat("a", 300), strings.Repeat("a", 200) + "…"},
		"cut in a character":  {strings.Repeat("a", 199) + "éb", strings.Repeat("a", 199) + "…"},
		"as long as it may":   {strings.Repeat("é", 100), strings.Repeat("é", 100)},
		"white space at ends": {"  a  ", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, clean(tt.in)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
