package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Keepalived is a keepalived that runs on a host, as a peer to speak with or to compare with.
type Keepalived struct {
	cmd   *exec.Cmd
	dir   string
	log   logBuffer
	ended chan struct{}
	err   error // how it ended; read after ended
}

// StartKeepalived starts Debian's keepalived on the host with that configuration. Further arguments
// are keepalived's own, such as --vrrp (its VRRP alone, which a kernel without IPVS wants). It runs
// until Stop, Kill or the end of the context.
func (h *Host) StartKeepalived(ctx context.Context, config string, args ...string) (*Keepalived, error) {
	dir, err := os.MkdirTemp(h.network.Dir(), h.name+"-keepalived-")
	if err != nil {
		return nil, fmt.Errorf("start keepalived on %s: %w", h.name, err)
	}
	k := &Keepalived{dir: dir, ended: make(chan struct{})}
	if err := k.start(ctx, h, config, args); err != nil {
		return nil, errors.Join(fmt.Errorf("start keepalived on %s: %w", h.name, err), os.RemoveAll(dir))
	}
	return k, nil
}

func (k *Keepalived) start(ctx context.Context, h *Host, config string, args []string) error {
	file := filepath.Join(k.dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	// In front, its log on standard error, and pid files of its own: with the usual ones only one
	// could run on the machine, whatever its namespace.
	argv := []string{"keepalived", "--dont-fork", "--log-console", "--log-detail",
		"--use-file", file,
		"--pid", filepath.Join(k.dir, "keepalived.pid"),
		"--vrrp_pid", filepath.Join(k.dir, "vrrp.pid"),
		"--checkers_pid", filepath.Join(k.dir, "checkers.pid")}
	k.cmd = h.Command(ctx, append(argv, args...)...)
	k.cmd.Stdout, k.cmd.Stderr = &k.log, &k.log
	if err := k.cmd.Start(); err != nil {
		return err
	}
	go func() {
		k.err = k.cmd.Wait()
		_ = os.RemoveAll(k.dir) // what it left there is of no use to anybody
		close(k.ended)
	}()
	return nil
}

// Stop ends it as an operator does (SIGTERM) and returns when it has gone. It gives its addresses
// back and tells its peers.
func (k *Keepalived) Stop() error {
	if err := k.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop keepalived: %w", err)
	}
	<-k.ended
	if k.err != nil {
		return fmt.Errorf("stop keepalived: %w", k.err)
	}
	return nil
}

// Kill ends all its processes at once (SIGKILL), as a crash would. Its addresses and its IPVS table
// stay in the kernel.
func (k *Keepalived) Kill() error {
	// The group: a child that outlived its parent would notice and stop in order.
	if err := syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill keepalived: %w", err)
	}
	<-k.ended
	return nil
}

// PID returns its first process, which leads the process group of all.
func (k *Keepalived) PID() int { return k.cmd.Process.Pid }

// Log returns what it has logged.
func (k *Keepalived) Log() string { return k.log.String() }

// WaitForLog returns when a line of its log contains the text. The error has the log: keepalived has
// ended, or the context has.
func (k *Keepalived) WaitForLog(ctx context.Context, text string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(k.Log(), text) {
		select {
		case <-tick.C:
		case <-k.ended:
			if !strings.Contains(k.Log(), text) {
				return errors.Join(fmt.Errorf("keepalived ended without logging %q:\n%s", text, k.Log()), k.err)
			}
		case <-ctx.Done():
			return fmt.Errorf("keepalived has not logged %q: %w:\n%s", text, context.Cause(ctx), k.Log())
		}
	}
	return nil
}
