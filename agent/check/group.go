package check

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// group is the process group of a running script: the script and all that it started and that did not
// leave for a session of its own.
type group struct {
	mu    sync.Mutex
	ended bool
}

// kill kills the group of a leader, unless the leader has ended: its id may be another group's by then.
func (g *group) kill(leader int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return os.ErrProcessDone
	}
	return unix.Kill(-leader, unix.SIGKILL)
}

// reap returns when the leader is dead, and kills what it left behind. The leader itself stays to be
// waited for, which keeps its id from being given away in between.
func (g *group) reap(leader int) {
	for {
		err := unix.Waitid(unix.P_PID, leader, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = g.kill(leader) // no such process: it left nobody behind
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
}
