package wiretest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// patience is for what is expected to come; a busy machine may take long.
const patience = 30 * time.Second

// director is a host with an agent, which is one process after another.
type director struct {
	t    *testing.T
	host *lab.Host
	dir  string
	// program is the file that is started, and started anew.
	program string
	pid     int
}

// startDirector installs an agent on a host, and starts it.
func startDirector(t *testing.T, host *lab.Host) *director {
	t.Helper()
	d := newDirector(t, host)
	d.start(nil)
	return d
}

// newDirector installs one.
func newDirector(t *testing.T, host *lab.Host) *director {
	t.Helper()
	d := &director{t: t, host: host, dir: t.TempDir()}
	d.program = filepath.Join(d.dir, "lvs-agent")
	d.install(lab.Program("lvs-agent"))
	d.configure("")
	return d
}

// start starts the agent, by way of another program if one is given, and with more in its environment.
func (d *director) start(by []string, environment ...string) {
	t := d.t
	t.Helper()
	log, err := os.Create(filepath.Join(d.dir, "log")) // a file, and no pipe: it outlives a process
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	agent := d.host.Command(context.WithoutCancel(t.Context()), append(by, d.program, "run", "--config", filepath.Join(d.dir, "agent.hcl"))...)
	agent.Stdout, agent.Stderr = log, log
	agent.Env = append(append(os.Environ(), "RUNTIME_DIRECTORY="+d.dir), environment...)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	d.pid = agent.Process.Pid
	ended := make(chan struct{})
	go func() {
		_ = agent.Wait() // it is killed, or another one takes over
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-agent.Process.Pid, syscall.SIGKILL) // the group, in which those are that took over
		<-ended
		if t.Failed() {
			t.Logf("log of %s:\n%s", d.host.Name(), d.log())
		}
	})
	d.await("it is ready", func() bool {
		status, _, err := d.call(http.MethodGet, "/readyz", "")
		return err == nil && status == http.StatusOK
	})
}

// install puts a program where the agent's is.
func (d *director) install(program string) {
	d.t.Helper()
	data, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(d.program+".new", data, 0o755)
	}
	if err == nil {
		err = os.Rename(d.program+".new", d.program)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// installScript puts a shell script where the agent's program is.
func (d *director) installScript(text string) { d.installText("#!/bin/sh\n" + text + "\n") }

func (d *director) installText(text string) {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		d.t.Fatal(err)
	}
	d.install(path)
}

// configure writes the agent's file, with more lines.
func (d *director) configure(more string) {
	d.t.Helper()
	text := fmt.Sprintf("name = %q\nlisten = \"unix://%s/agent.sock\"\nstate_dir = %q\nscripts {\n  directory = \"/usr/bin\"\n}\n%s\n", d.host.Name(), d.dir, d.dir, more)
	if err := os.WriteFile(filepath.Join(d.dir, "agent.hcl"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *director) log() string {
	data, err := os.ReadFile(filepath.Join(d.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (d *director) client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(d.dir, "agent.sock"))
		},
	}}
}

func (d *director) call(method, path, body string) (status int, answer string, err error) {
	request, err := http.NewRequestWithContext(d.t.Context(), method, "http://director"+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	response, err := d.client().Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

func (d *director) put(path, body string) {
	d.t.Helper()
	status, answer, err := d.call(http.MethodPut, path, body)
	if err != nil || status != http.StatusCreated && status != http.StatusOK {
		d.t.Fatalf("PUT %s: %d %s %v", path, status, answer, err)
	}
}

// status returns that of the director.
func (d *director) status() (s spec.Status) {
	d.t.Helper()
	_, answer, err := d.call(http.MethodGet, "/v1/status", "")
	if err == nil {
		err = spec.DecodeAnswer(strings.NewReader(answer), &s)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// web returns the status of the instance of that name.
func (d *director) web() spec.VRRPInstanceStatus {
	d.t.Helper()
	return d.status().VRRPInstances["web"]
}

// tryUpgrade is `lvs-agent upgrade`, and returns what it says.
func (d *director) tryUpgrade() (said string, err error) {
	out, err := exec.CommandContext(d.t.Context(), lab.Program("lvs-agent"), "upgrade", "--config", filepath.Join(d.dir, "agent.hcl")).CombinedOutput()
	return string(out), err
}

// upgrade is one that succeeds. It returns when the process that ran has ended.
func (d *director) upgrade() {
	d.t.Helper()
	said, err := d.tryUpgrade()
	if err != nil {
		d.t.Fatalf("upgrade %s: %v\n%s", d.host.Name(), err, said)
	}
	before := d.pid
	if d.pid, err = strconv.Atoi(strings.TrimSpace(said[strings.LastIndex(strings.TrimSpace(said), " ")+1:])); err != nil {
		d.t.Fatalf("it said %q", said)
	}
	if d.pid == before {
		d.t.Fatalf("process %d took over from itself", before)
	}
	d.await("the process that ran has ended", func() bool { return !runs(before) })
	if !runs(d.pid) {
		d.t.Fatal("the process that took over does not run")
	}
}

// runs reports whether there is such a process that has not ended.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	state := stat[strings.LastIndexByte(string(stat), ')')+2]
	return state != 'Z'
}

func (d *director) await(what string, is func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("waited in vain until %s\n%s", what, d.log())
		}
	}
}
