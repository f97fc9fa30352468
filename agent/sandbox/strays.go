package sandbox

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// endStrays kills what a keeper before this one has left behind: one that was itself killed, together with its agent or
// without. Who has no right to see a process's marks, or does not share its numbers of processes, is not its keeper.
func endStrays() {
	here, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return
	}
	for deadline := time.Now().Add(longestEnd); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		found := false
		entries, _ := os.ReadDir("/proc")
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err != nil {
				continue
			}
			agent, known := marked(pid, agentMark)
			if there, err := os.Readlink("/proc/" + entry.Name() + "/ns/pid"); !known || err != nil || there != here {
				continue
			}
			if int(agent) == os.Getppid() || unix.Kill(int(agent), 0) == unix.ESRCH {
				found = unix.Kill(pid, unix.SIGKILL) == nil || found
			}
		}
		if !found {
			return
		}
	}
}
