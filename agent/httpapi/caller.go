package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sys/unix"
)

// caller is who sent a request, from where, and what he may do.
type caller struct {
	// name is that of a token, of a client certificate, or of a user of this machine.
	name   string
	source string
	scope  Scope
}

// Keys of a request's context.
type (
	callerKey struct{}
	peerKey   struct{}
)

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// withPeer notes which user of this machine is at the other end of a unix socket. The socket's mode has let him in.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return ctx
	}
	var peer *unix.Ucred
	if err := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || peer == nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, caller{name: fmt.Sprintf("uid %d", peer.Uid), source: fmt.Sprintf("pid %d", peer.Pid), scope: ScopeWrite})
}

// audit logs a change that was made: who, from where, what, and the hashes of the object before and after it.
func (a *api) audit(ctx context.Context, what string, kind fmt.Stringer, name, before, after string) {
	a.log.Info("changed on request", append([]any{"audit", what, "kind", kind.String(), "name", name, "old", before, "new", after}, sender(ctx)...)...)
}

// auditSecrets logs that secrets were given away.
func (a *api) auditSecrets(ctx context.Context, what string) {
	a.log.Info("gave secrets on request", append([]any{"audit", what}, sender(ctx)...)...)
}

// sender says in a log who sent a request.
func sender(ctx context.Context) []any {
	c := callerOf(ctx)
	return []any{"caller", c.name, "source", c.source, "request", ctx.Value(requestKey{})}
}

// sourceOf is where a request comes from.
func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
