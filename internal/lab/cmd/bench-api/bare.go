package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// bare is an HTTP server that only compares an ETag: what the language and TLS cost, and the clients.
type bare struct{ cert, key, listen string }

// startBare runs it as a process of its own.
func startBare(ctx context.Context, h *lab.Host, b bare) (endpoint string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := h.Command(ctx, self, "-inside", insideBare, "-cert", b.cert, "-key", b.key, "-listen", b.listen)
	cmd.Stderr = os.Stderr
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error {
		err := cmd.Cancel()
		_ = cmd.Wait() // it was killed
		return err
	}
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		return "", nil, errors.Join(errors.New("the server beside the agent did not start"), stop())
	}
	return "https://" + b.listen, stop, nil
}

// serve answers until the process is ended.
func (b bare) serve(ctx context.Context) error {
	certificate, err := tls.LoadX509KeyPair(b.cert, b.key)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.listen)
	if err != nil {
		return err
	}
	const etag = `"bare"`
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", etag)
			if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(http.StatusNotModified)
			}
		}),
	}
	fmt.Println("ready")
	return server.ServeTLS(l, "", "")
}
