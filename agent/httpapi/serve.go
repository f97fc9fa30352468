package httpapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits on clients that are slow, on purpose or not.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 2 * time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	shutdownTimeout   = 5 * time.Second
	pauseTimeout      = 30 * time.Second
)

// TLSFiles names the PEM files of a listener; none of them, and it speaks plain HTTP.
type TLSFiles struct {
	Cert, Key, ClientCA string
	// AllowTLS12 takes clients that do not speak TLS 1.3.
	AllowTLS12 bool
}

// Server serves a handler on one listener. It is a task: Listen, then Run, which may be called again.
type Server struct {
	listener net.Listener
	handler  http.Handler
	limit    atomic.Int64 // of connections; 0 is none
	log      *slog.Logger
	config   *tls.Config          // nil without
	tls      *reread[*tls.Config] // nil without
	// read and write bound what one request takes.
	read, write time.Duration
}

// Listen opens address, which is host:port or unix:///path, for a Server on it.
func Listen(address string, files TLSFiles, tokens *Tokens, limit int, handler http.Handler, log *slog.Logger) (*Server, error) {
	listener, err := Open(address)
	if err != nil {
		return nil, err
	}
	s, err := NewServer(listener, files, tokens, limit, handler, log)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return s, nil
}

// Open opens the socket of an address, which is host:port or unix:///path.
func Open(address string) (listener net.Listener, err error) {
	if path, unix := strings.CutPrefix(address, "unix://"); unix {
		listener, err = listenUnix(path)
	} else {
		listener, err = net.Listen("tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// NewServer returns a Server on a listener. With a ClientCA and no tokens a client certificate is demanded, with tokens
// it is one way in of two. It has at most so many connections; 0 is without bound.
func NewServer(listener net.Listener, files TLSFiles, tokens *Tokens, limit int, handler http.Handler, log *slog.Logger) (*Server, error) {
	config, reread, err := files.config(tokens, log)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: listener, handler: handler, log: log, config: config, tls: reread, read: readTimeout, write: writeTimeout}
	s.Limit(limit)
	return s, nil
}

// Limit bounds the connections from the next one on; 0 is without bound.
func (s *Server) Limit(connections int) { s.limit.Store(int64(connections)) }

// server returns one that serves once. Requests that wait for something to happen end with serving.
func (s *Server) server(serving context.Context) *http.Server {
	return &http.Server{
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stopping{}, serving)
		},
		ConnContext:       withPeer,
		Handler:           s.handler,
		TLSConfig:         s.config.Clone(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       s.read,
		WriteTimeout:      s.write,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Address returns where the server listens, with the port that the system chose for 0.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Reload reads the certificates now. After an error those that were read last are still shown.
func (s *Server) Reload() error {
	if s.tls == nil {
		return nil
	}
	return s.tls.now()
}

// ErrPaused is the cause of a context that ends because another process is to serve on the listener, or Run will be called
// again: requests under way are given more time.
var ErrPaused = errors.New("requests are to be served by another process")

// Run serves until the context ends; then requests under way are given a little time. Connections that come meanwhile
// wait for whoever serves on the listener next.
func (s *Server) Run(ctx context.Context) error {
	listener, err := newLent(s.listener)
	if err != nil {
		return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
	}
	server, owed := s.server(ctx), newOwed()
	bound := newConnections(&s.limit, s.log)
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		bound.changed(conn, state)
		owed.note(conn, state)
	}
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	s.log.Info("listening", "address", s.listener.Addr().String(), "tls", s.config != nil)
	if s.config != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if ctx.Err() == nil {
		return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
	}
	s.finish(ctx, server, owed)
	return nil
}

// finish answers what was asked. http.Server.Shutdown alone would not: it closes connections whose first request was
// read just now.
func (s *Server) finish(ctx context.Context, server *http.Server, owed *owed) {
	timeout := shutdownTimeout
	if errors.Is(context.Cause(ctx), ErrPaused) {
		timeout = pauseTimeout
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	server.SetKeepAlivesEnabled(false)
	owed.settle(deadline)
	if err := server.Shutdown(deadline); err != nil {
		s.log.Warn("requests were cut off", "error", err)
	}
}

// Close releases the listener.
func (s *Server) Close() error { return s.listener.Close() }

// config is the TLS of a listener, and nil where it has none. Files that change count from the next connection on.
func (f TLSFiles) config(tokens *Tokens, log *slog.Logger) (*tls.Config, *reread[*tls.Config], error) {
	if f.Cert == "" && f.Key == "" {
		return nil, nil, nil
	}
	files, err := newReread(func() (*tls.Config, error) { return f.load(tokens) },
		func(err error) { log.Error("the certificate that was read last is still shown", "error", err) }, f.Cert, f.Key, f.ClientCA)
	if err != nil {
		return nil, nil, err
	}
	config := files.get().Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return files.get(), nil }
	return config, files, nil
}

// Check reports what is wrong with the files.
func (f TLSFiles) Check() error {
	if f.Cert == "" && f.Key == "" {
		return nil
	}
	_, err := f.load(nil)
	return err
}

func (f TLSFiles) load(tokens *Tokens) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate %s and its key %s: %w", f.Cert, f.Key, err)
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{certificate},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if f.AllowTLS12 {
		config.MinVersion = tls.VersionTLS12
	}
	if f.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read client_ca_file: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read client_ca_file: %s holds no certificate in PEM form", f.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	if tokens != nil {
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return config, nil
}

// listenUnix makes a socket that its owner alone can use. One that a dead agent left is replaced, one
// that somebody answers on is not.
func listenUnix(path string) (net.Listener, error) {
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return nil, errors.New("somebody listens there already: is an lvs-agent running?")
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	defer syscall.Umask(syscall.Umask(0o177)) // closed to others from the first moment
	return net.Listen("unix", path)
}
