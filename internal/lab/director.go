package lab

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// directorPort is where the agents of the lab listen.
const directorPort = 8443

// Agent is what the directors of one network have in common.
type Agent struct {
	// Binary is the lvs-agent that runs.
	Binary string
	// Dir is where files, state and logs go, in a folder for each director.
	Dir string
	// CA signs the certificates, Token lets clients in.
	CA    *CA
	Token string
	// Options is more HCL for the agent's file.
	Options string
}

// Director is an lvs-agent on a host, installed as it would be on a real one: with a file, a
// certificate, a token, and a folder that outlives the process.
type Director struct {
	Host     *Host
	Endpoint string

	agent  Agent
	dir    string
	client *http.Client

	process *exec.Cmd
	ended   chan struct{} // closed when process has ended
	err     error         // how it ended
	// pid is the process's, or that of the one that took over from it.
	pid int
}

// Install writes what the agent needs on the host whose address clients reach it at. It does not run
// it: Start does.
func (a Agent) Install(h *Host, address netip.Addr) (*Director, error) {
	dir := filepath.Join(a.Dir, h.Name())
	if err := os.MkdirAll(filepath.Join(dir, "state"), 0o700); err != nil {
		return nil, fmt.Errorf("install an agent on %s: %w", h.Name(), err)
	}
	cert, key, err := a.CA.Issue(h.Name(), address)
	if err != nil {
		return nil, err
	}
	endpoint := netip.AddrPortFrom(address, directorPort)
	files := map[string]string{
		"tokens": fmt.Sprintf("lab write sha256:%x\n", sha256.Sum256([]byte(a.Token))),
		"agent.hcl": fmt.Sprintf("listen = %q\nname = %q\nstate_dir = %q\ntls {\n  cert_file = %q\n  key_file = %q\n}\nauth { token_file = %q }\n%s\n",
			endpoint, h.Name(), filepath.Join(dir, "state"), cert, key, filepath.Join(dir, "tokens"), a.Options),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("install an agent on %s: %w", h.Name(), err)
		}
	}
	d := &Director{Host: h, Endpoint: "https://" + endpoint.String(), agent: a, dir: dir}
	d.client, err = d.httpClient()
	return d, err
}

// Start runs the agent and returns when it is ready.
func (d *Director) Start(ctx context.Context) error {
	// A file and no pipe: the agent that takes over writes there, too.
	log, err := os.OpenFile(d.logFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("start the agent of %s: %w", d.Host.Name(), err)
	}
	d.process = d.Host.Command(context.WithoutCancel(ctx), d.agent.Binary, "run", "--config", d.file())
	d.process.Stdout, d.process.Stderr = log, log
	err = d.process.Start()
	if err = errors.Join(err, log.Close()); err != nil {
		return fmt.Errorf("start the agent of %s: %w", d.Host.Name(), err)
	}
	d.pid = d.process.Process.Pid
	d.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) {
		d.err = process.Wait()
		close(ended)
	}(d.process, d.ended)
	for {
		if status, _, err := d.Call(ctx, http.MethodGet, "/readyz", ""); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-d.ended:
			return fmt.Errorf("the agent of %s ended: %w\n%s", d.Host.Name(), d.err, d.Log())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the agent of %s is not ready: %w\n%s", d.Host.Name(), context.Cause(ctx), d.Log()), d.Kill())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Upgrade has the agent's program started anew in the place of the one that runs (lvs-agent upgrade).
func (d *Director) Upgrade(ctx context.Context) error {
	said, err := d.Host.Output(ctx, d.agent.Binary, "upgrade", "--config", d.file())
	if err != nil {
		return err
	}
	before := d.pid
	if _, err := fmt.Sscanf(said[strings.LastIndex(said, "process"):], "process %d", &d.pid); err != nil {
		return fmt.Errorf("upgrade the agent of %s, which said %q: %w", d.Host.Name(), said, err)
	}
	return awaitEnd(ctx, before)
}

// awaitEnd returns when a process has ended.
func awaitEnd(ctx context.Context, pid int) error {
	for runs(pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d does not end: %w", pid, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// runs reports whether there is such a process. One that nobody has collected yet has ended.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

func (d *Director) file() string    { return filepath.Join(d.dir, "agent.hcl") }
func (d *Director) logFile() string { return filepath.Join(d.dir, "log") }

// Kill ends the agent as a crash would (SIGKILL).
func (d *Director) Kill() error { return d.signal(syscall.SIGKILL) }

// Stop ends the agent as an operator would (SIGTERM). It returns when it has ended.
func (d *Director) Stop() error {
	if err := d.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if d.err != nil {
		return fmt.Errorf("the agent of %s did not end well: %w\n%s", d.Host.Name(), d.err, d.Log())
	}
	return nil
}

func (d *Director) signal(s syscall.Signal) error {
	if d.process == nil {
		return nil
	}
	send := d.process.Process.Signal // which knows when the process has ended, and its number is another's
	if d.pid != d.process.Process.Pid {
		send = func(os.Signal) error { return syscall.Kill(d.pid, s) }
	}
	if err := send(s); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s to the agent of %s: %w", s, d.Host.Name(), err)
	}
	<-d.ended
	if d.pid != d.process.Process.Pid {
		if err := awaitEnd(context.Background(), d.pid); err != nil {
			return err
		}
	}
	d.process = nil
	return nil
}

// PID returns the process that runs, which leads a process group of its own, or 0.
func (d *Director) PID() int {
	if d.process == nil {
		return 0
	}
	return d.pid
}

// Log returns what the agent has written, over all of its lives.
func (d *Director) Log() string {
	text, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Call sends a request to the API from the director's own host and returns the answer.
func (d *Director) Call(ctx context.Context, method, path, body string) (status int, answer string, err error) {
	return d.CallAs(ctx, d.agent.Token, method, path, body)
}

// CallAs is Call with another token.
func (d *Director) CallAs(ctx context.Context, token, method, path, body string) (status int, answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, d.Endpoint+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := d.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

// Metric returns the value of a metric without labels, as it stands on /metrics.
func (d *Director) Metric(ctx context.Context, name string) (string, error) {
	_, text, err := d.Call(ctx, http.MethodGet, "/metrics", "")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s has no metric %s", d.Host.Name(), name)
}

// Table returns the kernel's IPVS table, as the ipvsadm commands that would make it, in order.
func (d *Director) Table(ctx context.Context) (string, error) {
	text, err := d.Host.Output(ctx, "ipvsadm", "-Sn")
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines) // the kernel lists by hash
	return strings.Join(lines, ""), nil
}

// httpClient speaks from the director's host, so that a cut link is no hindrance.
func (d *Director) httpClient() (*http.Client, error) {
	pem, err := os.ReadFile(d.agent.CA.File())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13},
		DisableKeepAlives: true, // the agent may be another one at the next call
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return d.Host.DialContext(ctx, network, address)
		},
	}}, nil
}
