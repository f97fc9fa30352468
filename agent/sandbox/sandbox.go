package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// searchPath is the PATH of a program, the only variable that every one has.
	searchPath = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
	// maxOutput is how much of a program's output is kept, in bytes; the rest is read and dropped.
	maxOutput = 4 << 10
	// pipeGrace is how long a dead program's output may stay open: only a process that left its session
	// can still hold it.
	pipeGrace = 100 * time.Millisecond
)

// Sandbox runs programs, each in a session of its own, and leaves no process of it behind.
type Sandbox struct {
	admission admission
	user      string // as whom; "" is the agent's own

	mu      sync.Mutex
	account *account // once found
}

// New returns a Sandbox for the programs in a directory. An agent that is root, or may
// change users as its service lets it, runs them as user; any other can only run them as itself. Whether directory and user exist is seen at each run, so
// that they may be made later.
func New(directory, user string) *Sandbox {
	if !maySwitchUser() {
		user = ""
	}
	return &Sandbox{admission: admission{directory: directory, self: uint32(os.Geteuid())}, user: user}
}

// Command is a program and what it is given.
type Command struct {
	// Line is the absolute path of the program, and its arguments.
	Line []string
	// Environment is what it finds there beside PATH, as NAME=value.
	Environment []string
	// Input is what it can read.
	Input []byte
}

// Check reports why a command may not run on this machine, at /command. It runs nothing.
func (s *Sandbox) Check(command []string) spec.FieldErrors {
	if len(command) == 0 {
		return spec.FieldErrors{{Pointer: "/command", Detail: "there is no command"}}
	}
	if _, _, err := s.admit(command[0]); err != nil {
		return spec.FieldErrors{{Pointer: "/command/0", Detail: err.Error()}}
	}
	return nil
}

// Run runs a command to its end, or to the context's. A program that exits with another status than 0 is an
// ExitError, one that did not run a StartError; where the context ended it, the error is the context's cause.
func (s *Sandbox) Run(ctx context.Context, c Command) error {
	if len(c.Line) == 0 {
		return &StartError{"there is no command"}
	}
	file, as, err := s.admit(c.Line[0])
	if err != nil {
		return &StartError{err.Error()}
	}
	var output output
	cmd := exec.CommandContext(ctx, file, c.Line[1:]...)
	cmd.Args[0] = c.Line[0]
	cmd.Dir = "/"
	cmd.Env = append([]string{searchPath}, c.Environment...)
	if c.Input != nil {
		cmd.Stdin = bytes.NewReader(c.Input)
	}
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = pipeGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as.credential()}
	if err := start(cmd); err != nil {
		return startError(file, as, err)
	}
	endGroup(cmd.Process.Pid) // whose leader the context kills
	return runError(ctx, cmd.Wait(), output.line())
}

// admit returns the file to execute and the account to do it as. It is asked before each run: it costs
// a few system calls, and a program that others may write to since is not run again.
func (s *Sandbox) admit(path string) (string, *account, error) {
	if s == nil {
		return "", nil, errors.New("this agent runs no programs")
	}
	file, info, err := s.admission.admit(path)
	if err != nil {
		return "", nil, err
	}
	as, err := s.identity()
	if err != nil {
		return "", nil, err
	}
	return file, as, as.mayRun(file, info)
}

func (s *Sandbox) identity() (*account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.user == "" || s.account != nil {
		return s.account, nil
	}
	found, err := lookupAccount(s.user)
	s.account = found
	return found, err
}
