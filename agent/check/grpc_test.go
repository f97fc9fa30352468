package check

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// rpcServer returns the address of a gRPC server.
func rpcServer(t *testing.T, offer func(*grpc.Server), options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	offer(server)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

// withHealth offers a health service that serves as a whole, and not with the service db.
func withHealth(server *grpc.Server) {
	state := health.NewServer()
	state.SetServingStatus("web", grpc_health_v1.HealthCheckResponse_SERVING)
	state.SetServingStatus("db", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(server, state)
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	certificate, ca := selfSigned(t)
	plain := rpcServer(t, withHealth)
	secure := rpcServer(t, withHealth, grpc.Creds(credentials.NewTLS(certificate)))
	other := rpcServer(t, func(*grpc.Server) {})
	known, unknown := spec.DefaultTLSCheck(), spec.DefaultTLSCheck()
	known.CACertPEM = ca
	for name, tt := range map[string]struct {
		address string
		check   spec.GRPCCheck
		want    string
	}{
		"serves":                          {plain, spec.GRPCCheck{}, "passed"},
		"serves with a service":           {plain, spec.GRPCCheck{Service: "web"}, "passed"},
		"does not serve with another":     {plain, spec.GRPCCheck{Service: "db"}, "status NOT_SERVING, want SERVING"},
		"does not know a service":         {plain, spec.GRPCCheck{Service: "mail"}, `the server does not know the service "mail"`},
		"has no health service":           {other, spec.GRPCCheck{}, "the server has no health service (grpc.health.v1)"},
		"serves over TLS":                 {secure, spec.GRPCCheck{TLS: &known}, "passed"},
		"serves over TLS from a stranger": {secure, spec.GRPCCheck{TLS: &unknown}, "the certificate is refused: x509: certificate signed by unknown authority"},
		"does not speak TLS":              {plain, spec.GRPCCheck{TLS: &known}, "the answer is not TLS: first record does not look like a TLS handshake"},
		"speaks TLS alone":                {secure, spec.GRPCCheck{}, "the connection was closed without an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := probeServer(t, patience, ServerCheck{Server: key(tt.address), GRPC: &tt.check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGRPCFromServersThatMisbehave(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	// An empty SETTINGS frame, which a server begins with.
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	// HEADERS of stream 1 without END_HEADERS, and CONTINUATION frames without end.
	headers := "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x88"
	more := "\x00\x00\x20\x09\x00\x00\x00\x00\x01" + strings.Repeat("\x88", 32)
	for name, tt := range map[string]struct {
		address string
		brief   bool
		want    string
	}{
		"refuses":                     {closedPort(t), false, "connection refused"},
		"does not accept":             {blackhole(t), true, "no answer within 100ms"},
		"says nothing":                {serve(t, func(net.Conn) { <-over }), true, "no answer within 100ms"},
		"says nothing after greeting": {serve(t, func(c net.Conn) { _, _ = c.Write([]byte(settings)); <-over }), true, "no answer within 100ms"},
		"closes at once":              {serve(t, hangUp), false, "the connection was closed without an answer"},
		"is a web server":             {serve(t, greets("HTTP/1.1 400 Bad Request\r\n\r\n")), false, "the answer is not gRPC: http2: failed reading the frame payload: http2: frame too large, note that the frame header looked like an HTTP/1.1 header"},
		"sends garbage":               {serve(t, endlessly("SSH-2.0-OpenSSH_9.2p1\r\n")), false, "the answer is not gRPC: http2: frame too large"},
		"sends headers without end":   {serve(t, func(c net.Conn) { _, _ = c.Write([]byte(settings + headers)); endlessly(more)(c) }), false, "the answer is not gRPC: connection error: PROTOCOL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := patience
			if tt.brief {
				timeout = brief
			}
			got := probeServer(t, timeout, ServerCheck{Server: key(tt.address), GRPC: &spec.GRPCCheck{}})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGRPCGoesToAnAddressAndPortOfItsOwn(t *testing.T) {
	t.Parallel()
	there := netip.MustParseAddrPort(rpcServer(t, withHealth))
	port := int(there.Port())
	check := spec.GRPCCheck{Address: there.Addr(), Port: &port}
	if reason := probeServer(t, patience, ServerCheck{Server: key("[2001:db8::1]:0"), GRPC: &check}); reason != "passed" {
		t.Error(reason)
	}
}
