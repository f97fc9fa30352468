package vrrp

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The thread is one of many that Go starts processes on. When it ends, so does what asked to end with its parent.
func TestRealtimeThreadOutlivesItsWork(t *testing.T) {
	t.Parallel()
	child := exec.Command("sleep", "60")
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	thread := make(chan int)
	go func() {
		var tid int
		err := inRealtime(realtimeEar, func(error) {}, func() error {
			tid = unix.Gettid()
			return child.Start()
		})
		if err != nil {
			t.Error(err)
		}
		thread <- tid
	}()
	tid := <-thread
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = child.Wait() // it is killed, by us or before
	}()
	select {
	case <-ended:
		t.Fatal("the child ended with the thread")
	case <-time.After(300 * time.Millisecond):
	}
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		t.Errorf("the thread's policy is %d, %v, want %d", attr.Policy, err, unix.SCHED_NORMAL)
	}
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-ended
}
