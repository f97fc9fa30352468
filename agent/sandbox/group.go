package sandbox

import (
	"errors"

	"golang.org/x/sys/unix"
)

// endGroup returns when the leader of a process group is dead, and kills what it left behind: all that
// it started, and that did not leave for a session of its own. The leader must not have been waited for
// yet, and still has to be: until then its id cannot be another group's.
func endGroup(leader int) {
	for {
		err := unix.Waitid(unix.P_PID, leader, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = unix.Kill(-leader, unix.SIGKILL) // of the leader itself there is nothing left to kill
}
