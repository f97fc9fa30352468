package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Limits are what programs may take of the machine.
type Limits struct {
	// CPUTime is the processor time that each process of a program may use; whole seconds, at least one.
	CPUTime spec.Duration `json:"cpu_time"`
	// Memory is what each process of a program may have of data of its own, in bytes. Address space that is
	// only reserved does not count: runtimes such as Java's and Go's reserve far more than they use.
	Memory uint64 `json:"memory"`
	// Processes is how many processes and threads the user may have as whom programs run: those of all programs
	// together, because the kernel counts them by user (setrlimit(2), RLIMIT_NPROC).
	Processes uint64 `json:"processes"`
}

// Limits that need no choice.
const (
	// maxFile is how large a file a program may write, in bytes: more than a log should be, less than a disk.
	maxFile = 1 << 30
	// maxDescriptors is how many files each process may have open: what services have by custom.
	maxDescriptors = 1024
)

// Marks tell the run and the agent that a process belongs to, whatever it does to its session, group, parent or
// environment. They are written where every process has a number that its children inherit, and that means nothing to it:
// a limit that Linux has not used since 2.4 (setrlimit(2)), and one for real-time threads, which programs cannot have.
const (
	runMark   = unix.RLIMIT_LOCKS
	agentMark = unix.RLIMIT_RTTIME
	firstMark = 1 << 31 // below it is what somebody meant; all marks are below 1<<32, where 32 bits know no limit
	marks     = 1 << 30
)

// rlimit is a soft and a hard limit of a process.
type rlimit struct {
	resource int
	unix.Rlimit
}

// hardAndSoft is a limit that is soft and hard.
func hardAndSoft(resource int, n uint64) rlimit { return rlimit{resource, unix.Rlimit{Cur: n, Max: n}} }

// limitSelf limits this process in what it has no need of. Its children inherit that.
func limitSelf() error {
	return errors.Join(lower(0, hardAndSoft(unix.RLIMIT_FSIZE, maxFile)), lower(0, hardAndSoft(unix.RLIMIT_CORE, 0)))
}

// rlimits are the limits of each process of a run, beside those that all have.
func (l Limits) rlimits(run uint64) []rlimit {
	seconds := uint64(l.CPUTime.Std() / time.Second)
	return []rlimit{
		{unix.RLIMIT_CPU, unix.Rlimit{Cur: seconds, Max: seconds + 1}}, // at the hard limit SIGKILL, which could be anybody's
		hardAndSoft(unix.RLIMIT_DATA, l.Memory),
		hardAndSoft(unix.RLIMIT_NPROC, l.Processes),
		hardAndSoft(unix.RLIMIT_NOFILE, maxDescriptors),
		hardAndSoft(agentMark, firstMark+uint64(os.Getppid())%marks),
		hardAndSoft(runMark, firstMark+run%marks), // last: who has inherited this mark has inherited them all
	}
}

// impose limits a program that has just been started, and what it has started meanwhile; all that these start from then
// on inherits the limits. They cannot be set before the program begins: Go has nothing between fork and exec, and a
// program of our own in between would cost each run more than most scripts do. It is called in the job that started the
// program, so whoever has no mark is its own.
func (k *keeping) impose(l Limits, run uint64, leader int) error {
	limits := l.rlimits(run)
	limited := map[int]bool{}
	for more := true; more; {
		more = false
		for _, pid := range familyOf(append(k.orphans(), leader)...) {
			if _, known := marked(pid, runMark); known || limited[pid] {
				continue
			}
			limited[pid], more = true, true
			for _, limit := range limits {
				if err := lower(pid, limit); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// lower sets a limit of a process, or leaves one that is lower. A process that is gone has none.
func lower(pid int, limit rlimit) error {
	var had unix.Rlimit
	err := unix.Prlimit(pid, limit.resource, nil, &had)
	if err == nil {
		limit.Max = min(limit.Max, had.Max)
		limit.Cur = min(limit.Cur, limit.Max)
		err = unix.Prlimit(pid, limit.resource, &limit.Rlimit, nil)
	}
	if err != nil && err != unix.ESRCH {
		return fmt.Errorf("limit what the program may take: %w", err)
	}
	return nil
}

// marked returns what a process has been marked with; ok is false where it has no such mark.
func marked(pid, limit int) (of uint64, ok bool) {
	var mark unix.Rlimit
	if unix.Prlimit(pid, limit, nil, &mark) != nil || mark.Max < firstMark || mark.Max >= firstMark+marks {
		return 0, false
	}
	return mark.Max - firstMark, true
}

// shellSignal is what a shell adds to the number of the signal that ended its command, for its own exit status.
const shellSignal = 128

// exceeded says in words which limit a program that failed has met; "" is none that can be told.
func (l Limits) exceeded(exit *exec.ExitError, line string) string {
	status := exit.Sys().(syscall.WaitStatus)
	ended := func(s syscall.Signal) bool {
		return status.Signaled() && status.Signal() == s || status.Exited() && status.ExitStatus() == shellSignal+int(s)
	}
	says := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(strings.ToLower(line), word) {
				return true
			}
		}
		return false
	}
	switch {
	case ended(unix.SIGXCPU):
		return fmt.Sprintf("used more processor time than the %s of scripts.cpu_time", l.CPUTime)
	case ended(unix.SIGXFSZ):
		return fmt.Sprintf("wrote a file of more than %d MiB", maxFile>>20)
	// The rest fails a system call, and only the program knows what it does then.
	case says("cannot allocate memory", "out of memory", "memory exhausted", "memoryerror", "failed to allocate"):
		return fmt.Sprintf("scripts.memory allows %d MiB", l.Memory>>20)
	case says("cannot fork", "resource temporarily unavailable", "can't fork"):
		return fmt.Sprintf("scripts.processes allows %d to all scripts together", l.Processes)
	}
	return ""
}
