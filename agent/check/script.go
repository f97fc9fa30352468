package check

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// scriptPath is the PATH of a script, the only variable that every script has.
	scriptPath = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
	// maxOutput is how much of a script's output is kept, in bytes; the rest is read and dropped.
	maxOutput = 4 << 10
	// pipeGrace is how long a dead script's output may stay open: only a process that left the
	// script's session can still hold it.
	pipeGrace = 100 * time.Millisecond
)

// Variables of a script that checks a real server.
const (
	EnvVirtualServer = "LVS_VIRTUAL_SERVER" // name of the virtual server: web
	EnvServerAddress = "LVS_SERVER_ADDRESS" // 192.0.2.21, 2001:db8::21
	EnvServerPort    = "LVS_SERVER_PORT"    // 80
)

// Runner runs scripts, each in a session of its own, and leaves no process of it behind.
type Runner struct {
	admission admission
	user      string // as whom; "" is the agent's own

	mu      sync.Mutex
	account *account // once found
}

// NewRunner returns a Runner for the programs in a directory. An agent that is root runs them as user;
// any other can only run them as itself. Whether directory and user exist is seen at each check, so
// that they may be made later.
func NewRunner(directory, user string) *Runner {
	if os.Geteuid() != 0 {
		user = ""
	}
	return &Runner{admission: admission{directory: directory, self: uint32(os.Geteuid())}, user: user}
}

// Check reports why a script may not run on this machine, at /command/0. It runs nothing.
func (r *Runner) Check(v spec.CheckScript) spec.FieldErrors {
	if len(v.Command) == 0 {
		return spec.FieldErrors{{Pointer: "/command", Detail: "there is no command"}}
	}
	if _, _, err := r.admit(v.Command[0]); err != nil {
		return spec.FieldErrors{{Pointer: "/command/0", Detail: err.Error()}}
	}
	return nil
}

// scriptProbe runs a script for a real server.
type scriptProbe struct {
	runner  *Runner
	service string
	script  ServerScript
}

// Probe implements probe.
func (p scriptProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	if len(p.script.Command) == 0 {
		return fmt.Errorf("check script %q does not exist on this director", p.script.Name)
	}
	return p.runner.run(ctx, p.script.Command, []string{
		EnvVirtualServer + "=" + p.service,
		EnvServerAddress + "=" + server.Addr().String(),
		fmt.Sprintf("%s=%d", EnvServerPort, server.Port()),
	})
}

// admit returns the file to execute and the account to do it as. It is asked before each run: it costs
// a few system calls, and a script that others may write to since is not run again.
func (r *Runner) admit(path string) (string, *account, error) {
	if r == nil {
		return "", nil, errors.New("this agent runs no scripts")
	}
	file, info, err := r.admission.admit(path)
	if err != nil {
		return "", nil, err
	}
	as, err := r.identity()
	if err != nil {
		return "", nil, err
	}
	return file, as, as.mayRun(file, info)
}

func (r *Runner) identity() (*account, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.user == "" || r.account != nil {
		return r.account, nil
	}
	found, err := lookupAccount(r.user)
	r.account = found
	return found, err
}

// run runs a command to its end, or to the context's. Exit status 0 is a pass.
func (r *Runner) run(ctx context.Context, command, environment []string) error {
	if len(command) == 0 {
		return errors.New("there is no command")
	}
	file, as, err := r.admit(command[0])
	if err != nil {
		return err
	}
	var output head
	cmd := exec.CommandContext(ctx, file, command[1:]...)
	cmd.Args[0] = command[0]
	cmd.Dir = "/"
	cmd.Env = append([]string{scriptPath}, environment...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = pipeGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as.credential()}
	if err := cmd.Start(); err != nil {
		return startReason(file, as, err)
	}
	endGroup(cmd.Process.Pid) // whose leader the context kills
	return exitReason(ctx, cmd.Wait(), output.line())
}

// startReason says why a program did not start.
func startReason(file string, as *account, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errors.New("its time was up before it could start")
	case errors.Is(err, unix.ENOEXEC):
		return fmt.Errorf("%s is neither a program of this machine nor a script: begin it with a line such as #!/bin/sh", file)
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%s: the interpreter in its first line does not exist on this director", file)
	case errors.Is(err, unix.EACCES) && as != nil:
		return fmt.Errorf("%s cannot be executed by %s, as whom scripts run: see the modes of the folders above it", file, as.name)
	}
	return fmt.Errorf("start %s: %s", file, plain(err))
}

// exitReason says why a run failed, or nil.
func exitReason(ctx context.Context, err error, line string) error {
	var timeout timeoutError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &timeout):
		return fmt.Errorf("not done within %s, and killed", timeout.after)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay): // it has left the session, too
		return errors.New("it left a process behind that holds its output open")
	case line == "":
		return err // "exit status 1", "signal: segmentation fault"
	}
	return fmt.Errorf("%w: %s", err, line)
}
