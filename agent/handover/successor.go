package handover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Program is what is started to take over.
type Program struct {
	// Path is the file, which may be another one than when this process was started. Args begins with the program's name.
	Path string
	Args []string
	// Version is that of the program which runs.
	Version string
	// Capabilities are given to it where they do not come with the user: the ambient ones that this process was given.
	Capabilities []uintptr
}

// Listener is a listening socket with the name by which the new process knows it.
type Listener struct {
	Name string
	net.Listener
}

// Successor is the new process, as the running one sees it.
type Successor struct {
	line    *line
	process *os.Process
	version string
	// ended has the process's state once it has ended.
	ended chan *os.ProcessState
}

// Start starts a process that is to take over the state at place, and offers it the sockets.
func Start(p Program, place string, sockets []Listener) (_ *Successor, err error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	// Descriptors by number: an os.File would make a socket a blocking one when it is asked for its own, for us as well.
	files := []uintptr{0, 1, 2, uintptr(theirs)} // #nosec G115 -- a descriptor
	defer func() {
		for _, fd := range files[3:] {
			_ = unix.Close(int(fd)) // #nosec G115 -- the new process has its own
		}
		if err != nil {
			err = errors.Join(err, ours.conn.Close())
		}
	}()
	names := make([]string, len(sockets))
	for i, s := range sockets {
		fd, err := duplicate(s.Listener)
		if err != nil {
			return nil, fmt.Errorf("hand the socket %s on: %w", s.Name, err)
		}
		files, names[i] = append(files, uintptr(fd)), s.Name // #nosec G115 -- a descriptor
	}
	pid, err := syscall.ForkExec(p.Path, p.Args, &syscall.ProcAttr{Env: environment(), Files: files, Sys: &syscall.SysProcAttr{AmbientCaps: p.Capabilities}})
	if err != nil {
		return nil, fmt.Errorf("start the new agent, %s: %w", p.Path, err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
	}
	s := &Successor{line: ours, process: process, ended: make(chan *os.ProcessState, 1)}
	go func() {
		state, _ := process.Wait() // a child of ours
		s.ended <- state
	}()
	if err := ours.send(message{Step: Offer, Protocol: Protocol, Version: p.Version, Place: place, Listeners: names}, nil); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// environment is that of the new process. The service manager's watchdog is to be told by whoever comes next, and not
// by one process id.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "WATCHDOG_PID=") || strings.HasPrefix(v, variable+"=")
	})
	return append(env, variable+"=3")
}

// duplicate returns another descriptor of a listener.
func duplicate(l net.Listener) (fd int, err error) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("a %T has no descriptor", l)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	if bad := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 3) }); bad != nil {
		return -1, bad
	}
	return fd, err
}

// PID returns the new process's id.
func (s *Successor) PID() int { return s.process.Pid }

// Version returns that of the new process, once it is prepared.
func (s *Successor) Version() string { return s.version }

// Give goes on to the next step, with what belongs to it.
func (s *Successor) Give(step Step, body any) error {
	return s.line.send(message{Step: step}, body)
}

// Await returns when the new process says that it has come to a step, and otherwise why it has not: it refused or ended,
// the time is up, or the context is over.
func (s *Successor) Await(ctx context.Context, step Step, atMost time.Duration) error {
	m, err := s.line.receive(ctx, time.Now().Add(atMost))
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the new agent was not %s within %s", step, spec.Duration(atMost))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return s.gone(step)
	case err != nil:
		return err
	case m.Step == Refused:
		return fmt.Errorf("the new agent refused: %s", m.Reason)
	case m.Step != step:
		return fmt.Errorf("the new agent said %q, and was to say %q", m.Step, step)
	}
	if m.Version != "" {
		s.version = m.Version
	}
	return nil
}

// goneTimeout bounds the wait for a process that has let go of its socket.
const goneTimeout = time.Second

// gone says of a process that says nothing more what became of it.
func (s *Successor) gone(step Step) error {
	select {
	case state := <-s.ended:
		s.ended <- state
		return fmt.Errorf("the new agent ended (%s) before it was %s: its log says why; a version that cannot take over does not say it is %[2]s", state, step)
	case <-time.After(goneTimeout):
		return fmt.Errorf("the new agent fell silent before it was %s", step)
	}
}

// Kill ends the new process, and returns when it is gone.
func (s *Successor) Kill() {
	_ = s.process.Kill() // it may have ended
	s.ended <- <-s.ended
	_ = s.line.conn.Close()
}

// Release leaves the new process to itself.
func (s *Successor) Release() { _ = s.line.conn.Close() }

func decode(data []byte, v any) error { return spec.DecodeAnswer(bytes.NewReader(data), v) }
