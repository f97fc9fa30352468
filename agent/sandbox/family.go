package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// familyOf returns processes and all that descends from them, as far as their parents live.
func familyOf(family ...int) []int {
	for i := 0; i < len(family); i++ {
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", family[i])) // gone, it has no children
		for _, thread := range threads {
			family = append(family, childrenOf(fmt.Sprintf("/proc/%d/task/%s", family[i], thread.Name()))...)
		}
	}
	return family
}

// childrenOf returns the children that a thread has started or was given, dead ones among them until they are waited for.
func childrenOf(thread string) []int {
	text, _ := os.ReadFile(thread + "/children")
	var children []int
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			children = append(children, pid)
		}
	}
	return children
}

// longestEnd bounds how long a run waits for processes that were killed and do not die: those that the kernel keeps
// from it, for a disk that does not answer. They are tried again at the end of each run after it.
const longestEnd = 2 * time.Second

// endRun kills what a run has left behind. Its leader is dead and not yet waited for.
func (k *keeping) endRun(run uint64) {
	for pause, deadline := 200*time.Microsecond, time.Now().Add(longestEnd); time.Now().Before(deadline); pause = min(2*pause, 10*time.Millisecond) {
		found := 0
		k.do(func() { found = k.endOrphans(run) })
		if found == 0 {
			return
		}
		time.Sleep(pause)
	}
}

// endOrphans kills the orphans of a run, and those of none that goes on, and returns how many it found. They may have had
// children, which are orphans then.
func (k *keeping) endOrphans(run uint64) (found int) {
	for _, pid := range k.orphans() {
		if of, known := marked(pid, runMark); known && of != run%marks && k.goesOn(of) {
			continue
		}
		found++
		_ = unix.Kill(pid, unix.SIGKILL) // of what is dead already there is nothing left to kill
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
	return found
}

// orphans returns what programs have left behind, for good or not. Its parents are dead, and this process has become the
// parent (PR_SET_CHILD_SUBREAPER), however it has left its session. It is called in jobs alone: nobody starts a
// leader meanwhile, and an id that is no leader's is that of a child until it is waited for in another job.
func (k *keeping) orphans() []int {
	children := append(childrenOf("/proc/self/task/"+strconv.Itoa(os.Getpid())), childrenOf("/proc/thread-self")...)
	return slices.DeleteFunc(children, func(pid int) bool { _, leads := k.leaders[pid]; return leads })
}

func (k *keeping) goesOn(run uint64) bool {
	for _, of := range k.leaders {
		if of%marks == run {
			return true
		}
	}
	return false
}
