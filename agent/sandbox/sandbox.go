package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// searchPath is the PATH of a program, the only variable that every one has.
const searchPath = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

// Config is which programs run, as whom, and what they may take.
type Config struct {
	// Directory is the folder that they are in.
	Directory string
	// User is as whom they run, where the agent is root or may change users, as its service lets it. Any other can
	// only run them as itself.
	User   string
	Limits Limits
	// AllowInline lets scripts run whose text is in the command.
	AllowInline bool
}

// Sandbox runs programs, each in a session of its own, and leaves no process of it behind.
type Sandbox struct {
	admission admission
	user      string // as whom; "" is the agent's own
	limits    Limits
	inline    bool

	mu      sync.Mutex
	account *account // once found
	keeper  *keeper  // nil before the first program
	runs    uint64
}

// New returns a Sandbox in which nothing runs, the only one of its process: what programs it finds of this process, when
// the first one of its own begins, it takes for left behind. Whether directory and user exist is seen at each run, so that they may
// be made later. It is to be closed.
func New(c Config) *Sandbox {
	if !maySwitchUser() {
		c.User = ""
	}
	return &Sandbox{admission: admission{directory: c.Directory, self: uint32(os.Geteuid())}, user: c.User, limits: c.Limits, inline: c.AllowInline}
}

// Command is a program and what it is given.
type Command struct {
	// Line is the absolute path of the program, and its arguments.
	Line []string
	// Content is the text of a script, instead of Line: its first line names the program that runs it.
	Content string
	// Environment is what it finds there beside PATH, as NAME=value.
	Environment []string
	// Input is what it can read.
	Input []byte
}

// Check reports why a command could not run on this machine, at /command or /content. It does not run it.
func (s *Sandbox) Check(c Command) spec.FieldErrors {
	at := "/command/0"
	if c.Content != "" {
		at = "/content"
	} else if len(c.Line) == 0 {
		return spec.FieldErrors{{Pointer: "/command", Detail: "there is no command"}}
	}
	r, as, err := s.admit(c)
	if err == nil {
		r.Rehearse = true
		ctx, cancel := context.WithTimeoutCause(context.Background(), endTimeout, errors.New("what runs scripts does not answer"))
		defer cancel()
		err = s.ask(ctx, r, as)
	}
	if err != nil {
		return spec.FieldErrors{{Pointer: at, Detail: err.Error()}}
	}
	return nil
}

// CheckPolicy reports of that what the agent's file alone forbids.
func (s *Sandbox) CheckPolicy(c Command) spec.FieldErrors {
	if err := s.allowed(c); err != nil {
		return spec.FieldErrors{{Pointer: "/content", Detail: err.Error()}}
	}
	return nil
}

// Run runs a command to its end, or to the context's. A program that exits with another status than 0 is an
// ExitError, one that did not run a StartError; where the context ended it, the error is the context's cause.
func (s *Sandbox) Run(ctx context.Context, c Command) error {
	if len(c.Line) == 0 && c.Content == "" {
		return &StartError{"there is no command"}
	}
	if ctx.Err() != nil {
		return &StartError{"its time was up before it could start"}
	}
	r, as, err := s.admit(c)
	if err != nil {
		return &StartError{err.Error()}
	}
	r.Environment, r.Input, r.Limits = c.Environment, c.Input, s.limits
	return s.ask(ctx, r, as)
}

// ask has the keeper do what is requested, and returns how that failed.
func (s *Sandbox) ask(ctx context.Context, r request, as *account) error {
	k, run, err := s.keep(as)
	if err != nil {
		return &StartError{err.Error()}
	}
	r.Run = run
	a, err := k.run(ctx, r)
	switch {
	case ctx.Err() != nil && (err != nil || a.failed()):
		return context.Cause(ctx)
	case err != nil:
		return &StartError{err.Error()}
	}
	return a.result(r.File, as)
}

// Close kills all programs.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keeper != nil {
		s.keeper.close()
		s.keeper = nil
	}
	return nil
}

// keep returns the keeper, which is started for the first program and whenever it has gone, and the number of the
// next run.
func (s *Sandbox) keep(as *account) (k *keeper, run uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs++
	if s.keeper == nil || s.keeper.gone() != nil {
		s.keeper, err = startKeeper(as)
	}
	return s.keeper, s.runs, err
}

// admit returns what is to be executed, and the account to do it as. It is asked before each run: it costs a few system
// calls, and a program that others may write to since is not run again.
func (s *Sandbox) admit(c Command) (request, *account, error) {
	if s == nil {
		return request{}, nil, errors.New("this agent runs no programs")
	}
	if err := s.allowed(c); err != nil {
		return request{}, nil, err
	}
	if c.Content != "" {
		r, err := inline(c.Content)
		if err != nil {
			return request{}, nil, err
		}
		as, err := s.identity()
		return r, as, err
	}
	file, info, err := s.admission.admit(c.Line[0])
	if err != nil {
		return request{}, nil, err
	}
	as, err := s.identity()
	if err != nil {
		return request{}, nil, err
	}
	return request{File: file, Line: c.Line}, as, as.mayRun(file, info)
}

// allowed reports why the agent's file forbids a command.
func (s *Sandbox) allowed(c Command) error {
	if c.Content == "" || s.inline {
		return nil
	}
	return fmt.Errorf("this agent runs no script whose text is in Terraform: set scripts { allow_inline = true } in its file, or put the script into %s and name it in command", s.admission.directory)
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
