package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// start starts a program that has none of the agent's capabilities and can gain none (no_new_privs). A process has
// both from the thread that forks it: that thread is made so, and ends afterwards. Changing the user alone
// would not do for an agent that is not root: its ambient capabilities would outlive it (capabilities(7)).
func start(cmd *exec.Cmd) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		started <- confineThread(cmd.Start)
	}()
	return <-started
}

func confineThread(then func() error) error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear the ambient capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return then()
}

// maySwitchUser reports whether this process may run programs as another user: as root, or with the capabilities
// that its service is given.
func maySwitchUser() bool {
	if os.Geteuid() == 0 {
		return true
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if unix.Capget(&header, &sets[0]) != nil {
		return false
	}
	const needed = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return sets[0].Effective&needed == needed
}
