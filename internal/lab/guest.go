package lab

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Guest is a user-mode Linux machine that boots, runs one command as root, and halts. Its root file
// system is the host's, with the rights that the caller has there, so a program built outside runs
// inside as it is, and relative paths mean the same. Its own are the kernel, the processes, the
// network, /run, /dev/shm, and the folder for temporary files (TMPDIR is /run/tmp).
//
// It needs no privilege. It has one CPU, starts processes slowly, and cannot run a binary built with
// the race detector. The zero value is ready to use, by several callers at once.
type Guest struct {
	// Memory is how much the guest has, as the kernel reads it (512M, 2G). Empty is 2G. The host
	// gives only what is used.
	Memory string
	// Dir is the folder that the command starts in. Empty is the caller's.
	Dir string
	// Env is the command's environment as NAME=value. Nil is the caller's. TMPDIR, LVS_LAB_GUEST and
	// a PATH that reaches the sbin folders are seen to in either case.
	Env []string
}

// In the command's environment when it runs inside a guest.
const guestVariable = "LVS_LAB_GUEST"

// Run boots the guest and runs a command in it. What the command prints, on standard output and
// standard error, goes to output while it runs. Its standard input is empty. The exit status is the
// command's, 128 + n if signal n ended it; an error means that it has none: the guest did not boot,
// or the context ended first, which ends the guest at once.
func (g Guest) Run(ctx context.Context, output io.Writer, argv ...string) (exitStatus int, err error) {
	if len(argv) == 0 {
		return 0, errors.New("run in guest: no command")
	}
	work, err := os.MkdirTemp("", "lvs-guest-")
	if err != nil {
		return 0, fmt.Errorf("make the guest's folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if strings.ContainsAny(work, " \t\"") {
		return 0, fmt.Errorf("boot guest: the path %q stands on its kernel's command line and cannot hold blanks: set TMPDIR", work)
	}
	if err := g.prepare(work, argv); err != nil {
		return 0, fmt.Errorf("prepare the guest's folder: %w", err)
	}
	library, err := ptraceLibrary(ctx, work)
	if err != nil {
		return 0, err
	}
	console, err := g.boot(ctx, work, library, output)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("run %s in guest: %w", argv[0], context.Cause(ctx))
	}
	if err != nil {
		return 0, fmt.Errorf("run %s in guest: %w", argv[0], err)
	}
	status, err := os.ReadFile(filepath.Join(work, "status"))
	if err != nil {
		return 0, fmt.Errorf("run %s in guest: it halted before the command ended; its console:\n%s", argv[0], console)
	}
	return strconv.Atoi(strings.TrimSpace(string(status)))
}

//go:embed guest/init.sh
var guestInit []byte

// prepare writes what the guest reads: its init and the command.
func (g Guest) prepare(work string, argv []string) error {
	command, err := g.script(argv)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name    string
		content []byte
		mode    os.FileMode
	}{
		{"init", guestInit, 0o755},
		{"command", command, 0o644},
		{"output", nil, 0o644},
	} {
		if err := os.WriteFile(filepath.Join(work, file.name), file.content, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// script returns the shell script that becomes the command: its folder, its environment and nothing
// else, its arguments.
func (g Guest) script(argv []string) ([]byte, error) {
	dir, env := g.Dir, g.Env
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return nil, err
		}
	}
	if env == nil {
		env = os.Environ()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "cd %s || exit 126\nexec env -i", quote(dir))
	for _, variable := range env {
		if name, value, ok := strings.Cut(variable, "="); ok && name == "PATH" {
			variable = "PATH=" + value + ":/usr/sbin:/sbin"
		}
		fmt.Fprintf(&b, " %s", quote(variable))
	}
	// later ones win
	fmt.Fprintf(&b, " TMPDIR=/run/tmp %s=1", guestVariable)
	// where init.sh had to tell modprobe of its folder
	b.WriteString(` ${MODPROBE_OPTIONS:+"MODPROBE_OPTIONS=$MODPROBE_OPTIONS"}`)
	for _, arg := range argv {
		fmt.Fprintf(&b, " %s", quote(arg))
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// quote returns s as one word of a shell command.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// boot runs the guest until it halts and returns the end of what its kernel said.
func (g Guest) boot(ctx context.Context, work, library string, output io.Writer) (console string, err error) {
	memory := g.Memory
	if memory == "" {
		memory = "2G"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	// The kernel takes the parent's death for that of the thread which made the child, so this
	// thread has to last as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var kernelSays lastBytes
	cmd := exec.CommandContext(ctx, "linux.uml",
		"mem="+memory, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "quiet",
		"init="+filepath.Join(work, "init"), "uml_dir="+filepath.Join(work, "uml"),
		"con=null", "con0=fd:0,fd:1")
	// A pipe, since the guest polls its console and a file cannot be polled.
	cmd.Stdout, cmd.Stderr = &kernelSays, &kernelSays
	// TMPDIR is left out: the guest's memory is a file, which it puts on /dev/shm unless told where.
	cmd.Env = []string{"LD_PRELOAD=" + library, "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	// A group of its own: each process of the guest is one of the host, and all end together. And the
	// terminal's Ctrl-C reaches this program alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return "", err
	}

	halted, copied := make(chan struct{}), make(chan error, 1)
	go func() {
		err := follow(filepath.Join(work, "output"), output, halted)
		if err != nil {
			cancel() // nobody reads: no use in going on
		}
		copied <- err
	}()
	// How the kernel's process ends says nothing: whether the command ended is in its status file.
	_ = cmd.Wait()
	close(halted)
	return kernelSays.String(), <-copied
}
