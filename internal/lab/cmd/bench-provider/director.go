package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// director is an agent in memory, and what counts the requests to it.
type director struct {
	// socket takes requests.
	socket   string
	requests atomic.Int64

	agent   *exec.Cmd
	log     *os.File
	counter *http.Server
}

// startDirector starts an agent with a folder of its own and returns when it answers.
func startDirector(ctx context.Context, program, dir string) (*director, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &director{socket: filepath.Join(dir, "counted")}
	behind, file := filepath.Join(dir, "agent"), filepath.Join(dir, "agent.hcl")
	text := fmt.Sprintf("listen = %q\nname = %q\ndataplane = \"memory\"\n", "unix://"+behind, filepath.Base(dir))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	var err error
	if d.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	d.agent = exec.CommandContext(ctx, program, "run", "--config", file)
	d.agent.Stdout, d.agent.Stderr = d.log, d.log
	d.agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.agent.Start(); err != nil {
		return nil, err
	}
	return d, errors.Join(d.count(behind), d.answers(ctx, behind))
}

// count stands before the agent.
func (d *director) count(behind string) error {
	listener, err := net.Listen("unix", d.socket)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			d.requests.Add(1)
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "agent"
		},
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", behind)
		}},
	}
	d.counter = &http.Server{Handler: forward, ReadHeaderTimeout: time.Minute}
	go func() { _ = d.counter.Serve(listener) }() // it ends with stop
	return nil
}

// answers waits until the agent listens.
func (d *director) answers(ctx context.Context, behind string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("it does not listen"))
	defer cancel()
	var dialer net.Dialer
	for {
		c, err := dialer.DialContext(ctx, "unix", behind)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(d.log.Name())
			return fmt.Errorf("%w; it said:\n%s", context.Cause(ctx), said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (d *director) stop() error {
	err := d.agent.Process.Signal(syscall.SIGTERM)
	_ = d.agent.Wait() // it was told to
	return errors.Join(err, d.counter.Close(), d.log.Close())
}
