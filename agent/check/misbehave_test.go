package check

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// verbose is a health service that says a megabyte along with its status.
type verbose struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (verbose) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	answer := &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}
	answer.ProtoReflect().SetUnknown([]byte("\x7a\x80\x80\x40" + strings.Repeat("a", 1<<20))) // field 15, which nobody knows
	return answer, nil
}

func TestGRPCTakesNoLongAnswer(t *testing.T) {
	t.Parallel()
	server := rpcServer(t, func(s *grpc.Server) { grpc_health_v1.RegisterHealthServer(s, verbose{}) })
	want := "the call failed: ResourceExhausted: grpc: received message larger than max (1048582 vs. 4096)"
	if diff := cmp.Diff(want, probeServer(t, patience, ServerCheck{Server: key(server), GRPC: &spec.GRPCCheck{}})); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

func TestSMTPTakesNoLongAnswer(t *testing.T) {
	t.Parallel()
	server := serve(t, func(c net.Conn) {
		dialogue("220 hello\r\n")(c)
		endlessly("250-hello\r\n")(c)
	})
	check := spec.DefaultSMTPCheck()
	if diff := cmp.Diff("the server says more than 64 KiB", probeServer(t, patience, ServerCheck{Server: key(server), SMTP: &check})); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

// What is wrong before there is TLS is the same whatever is to be spoken over it.
func TestTLSFromServersThatMisbehave(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	secure := spec.DefaultTLSCheck()
	web, mail := spec.DefaultHTTPCheck(), spec.DefaultSMTPCheck()
	web.TLS, mail.TLS = &secure, &secure
	// A record of a handshake that announces a message of 16 MB, and then more of them.
	handshake := "\x16\x03\x03\x40\x00" + "\x02\xff\xff\xff" + strings.Repeat("a", 16380)
	for name, tt := range map[string]struct {
		address string
		brief   bool
		want    string
	}{
		"refuses":                         {closedPort(t), false, "connection refused"},
		"does not accept":                 {blackhole(t), true, "no answer within 100ms"},
		"says nothing":                    {serve(t, func(net.Conn) { <-over }), true, "no answer within 100ms"},
		"closes at once":                  {serve(t, hangUp), false, "the connection was closed without an answer"},
		"sends garbage":                   {serve(t, endlessly("SSH-2.0-OpenSSH_9.2p1\r\n")), false, "the answer is not TLS: first record does not look like a TLS handshake"},
		"shakes hands at too much length": {serve(t, endlessly(handshake)), false, "tls: handshake message of length 16777215 bytes exceeds maximum of 65536 bytes"},
	} {
		for kind, check := range map[string]ServerCheck{"http": {HTTP: &web}, "smtp": {SMTP: &mail}, "grpc": {GRPC: &spec.GRPCCheck{TLS: &secure}}} {
			t.Run(name+" over "+kind, func(t *testing.T) {
				t.Parallel()
				timeout := patience
				if tt.brief {
					timeout = brief
				}
				check.Server = key(tt.address)
				if diff := cmp.Diff(tt.want, probeServer(t, timeout, check)); diff != "" {
					t.Errorf("reason (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Not parallel: it counts memory. What a server sends without end is gigabytes until the time is up.
func TestServersWithoutEndTakeLittleMemory(t *testing.T) {
	flood := serve(t, endlessly(strings.Repeat("a", 64<<10)))
	header := serve(t, endless("HTTP/1.1 200 OK\r\nX-A: ", strings.Repeat("b", 64<<10)))
	body := serve(t, endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("b", 64<<10)))
	web, kept, mail := spec.DefaultHTTPCheck(), spec.DefaultHTTPCheck(), spec.DefaultSMTPCheck()
	kept.ExpectedBody = "c"
	for what, check := range map[string]ServerCheck{
		"tcp":                       {Server: key(flood), TCP: &spec.TCPCheck{Expect: "b"}},
		"smtp":                      {Server: key(flood), SMTP: &mail},
		"grpc":                      {Server: key(flood), GRPC: &spec.GRPCCheck{}},
		"http, a header":            {Server: key(header), HTTP: &web},
		"http, a body":              {Server: key(body), HTTP: &web},
		"http, a body that is kept": {Server: key(body), HTTP: &kept},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if got := probeServer(t, patience, check); got == "passed" || strings.HasPrefix(got, "no answer") {
			t.Errorf("%s: %s", what, got)
		}
		runtime.ReadMemStats(&after)
		// All that was ever taken, with what a buffer had before it grew.
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took >= 32 {
			t.Errorf("%s: %d MiB were taken", what, took)
		}
	}
}
