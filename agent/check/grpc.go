package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxGRPCAnswer is how long the message of a health service may be, in bytes: it is one number.
const maxGRPCAnswer = 4 << 10

// grpcProbe passes when the server's health service says that it serves.
type grpcProbe struct {
	dial  dialFunc
	check spec.GRPCCheck
}

// Probe implements probe.
func (p grpcProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	server = aim(server, p.check.Address, p.check.Port)
	secure := insecure.NewCredentials()
	if p.check.TLS != nil {
		config, err := tlsConfig(*p.check.TLS, "", server.Addr())
		if err != nil {
			return err
		}
		secure = credentials.NewTLS(config)
	}
	asking, done := context.WithCancel(ctx)
	defer done()
	dial := until(asking, p.dial)
	var trouble trouble
	// passthrough, and a dialer: no name is looked up, no proxy taken from the environment.
	client, err := grpc.NewClient("passthrough:///"+server.String(),
		grpc.WithUserAgent(userAgent),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithDisableHealthCheck(),
		grpc.WithMaxHeaderListSize(maxHeader), grpc.WithSharedWriteBuffer(true),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxGRPCAnswer)),
		grpc.WithTransportCredentials(heard{secure, &trouble}),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := dial(ctx, "tcp", address)
			return conn, trouble.note(err)
		}))
	if err != nil {
		return errors.New(clean(err.Error()))
	}
	defer func() { _ = client.Close() }() // all that was to be said is said
	answer, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: p.check.Service})
	if err != nil {
		return p.reason(ctx, trouble.first(), err)
	}
	if s := answer.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("status %s, want SERVING", s)
	}
	return nil
}

// reason puts the failure of a call into words. What went wrong with the connection is inside the call's error as text
// alone, so it comes extra.
func (p grpcProbe) reason(ctx context.Context, connection, call error) error {
	if reason := tlsReason(connection); reason != nil {
		return reason
	}
	if connection != nil || ctx.Err() != nil {
		return networkReason(ctx, errors.Join(connection, context.Cause(ctx)))
	}
	switch s := status.Convert(call); s.Code() {
	case codes.DeadlineExceeded:
		return networkReason(ctx, context.DeadlineExceeded)
	case codes.NotFound:
		return fmt.Errorf("the server does not know the service %q", clean(p.check.Service))
	case codes.Unimplemented:
		return errors.New("the server has no health service (grpc.health.v1)")
	case codes.Unavailable:
		return transportReason(ctx, s.Message())
	default:
		return fmt.Errorf("the call failed: %s: %s", s.Code(), clean(s.Message()))
	}
}

// transportReason puts the end of a connection into words, for which grpc has no types, only texts.
func transportReason(ctx context.Context, text string) error {
	if _, why, ok := strings.Cut(text, "error reading server preface: "); ok {
		text = strings.TrimSuffix(why, `"`)
	}
	for _, where := range []string{"closing transport due to: ", "error reading from server: "} {
		text = strings.TrimPrefix(text, where)
	}
	switch {
	case strings.HasSuffix(text, "EOF"):
		return networkReason(ctx, io.EOF)
	case strings.HasSuffix(text, syscall.ECONNRESET.Error()):
		return networkReason(ctx, syscall.ECONNRESET)
	}
	return fmt.Errorf("the answer is not gRPC: %s", clean(text))
}

// heard are credentials whose failures are noted.
type heard struct {
	credentials.TransportCredentials
	trouble *trouble
}

// ClientHandshake implements credentials.TransportCredentials.
func (h heard) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, conn)
	return secure, info, h.trouble.note(err)
}

// Clone implements credentials.TransportCredentials.
func (h heard) Clone() credentials.TransportCredentials {
	return heard{h.TransportCredentials.Clone(), h.trouble}
}

// trouble is what first went wrong with a connection.
type trouble struct {
	mu  sync.Mutex
	err error
}

// note keeps an error if it is the first, and returns it.
func (t *trouble) note(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	return err
}

func (t *trouble) first() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
