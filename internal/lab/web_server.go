package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
)

// WebServer is an HTTP server on a host that answers every request with the host's name, so that a
// client sees who served it.
type WebServer struct {
	listener net.Listener
	server   *http.Server
}

// ListenWeb opens the port of a web server on the host: connections are taken from now on, and
// answered while Run runs. The unspecified address is all of the host's, those of a later time
// included.
func (h *Host) ListenWeb(ctx context.Context, at netip.AddrPort) (*WebServer, error) {
	l, err := h.Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s of %s: %w", at, h.name, err)
	}
	name := h.name
	return &WebServer{listener: l, server: &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			// An error is the client's, who has gone.
			_, _ = io.WriteString(w, name+"\n")
		}),
		// Clients that go away in the middle are what the lab is for.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}, nil
}

// Run answers until the context ends, then closes the port and every connection.
func (s *WebServer) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() })
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", s.listener.Addr(), err)
	}
	return nil
}
