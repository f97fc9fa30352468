package vrrp

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Any real-time priority is above all ordinary load; a low one leaves room for what should be above us. Who sends
// goes before who listens: a flood keeps the ear busy without end.
const (
	realtimeMachines = 5
	realtimeEar      = 4
)

// inRealtime does its work on a thread that does nothing else meanwhile, with that priority. refused is told when the
// kernel does not give it. Afterwards the thread is what it was: if it ended, the kernel would end with it what it once
// started and was to outlive it (PR_SET_PDEATHSIG is about threads, not processes).
func inRealtime(priority uint32, refused func(error), work func() error) error {
	runtime.LockOSThread()
	if err := askForRealtime(priority); err != nil {
		refused(err)
	}
	defer func() {
		if unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return work()
}

// askForRealtime puts the calling thread before all ordinary load. Threads that it starts are not: they
// are none of VRRP's. It needs CAP_SYS_NICE or RLIMIT_RTPRIO.
func askForRealtime(priority uint32) error {
	attr := &unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   unix.SCHED_RR,
		Flags:    unix.SCHED_FLAG_RESET_ON_FORK,
		Priority: priority,
	}
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		return fmt.Errorf("set SCHED_RR: %w", err)
	}
	return nil
}
