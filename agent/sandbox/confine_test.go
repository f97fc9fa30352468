package sandbox

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A user's ids alone are not enough: the agent's own groups must not go with them.
func TestAccountHasNoSupplementaryGroups(t *testing.T) {
	t.Parallel()
	got := (&account{name: "lvs-check", uid: 990, gid: 980}).credential()
	if diff := cmp.Diff(&syscall.Credential{Uid: 990, Gid: 980}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The packaged agent has its capabilities in the ambient set, which outlives a change of user.
func TestConfinedThreadHasNothingToPassOn(t *testing.T) {
	t.Parallel()
	got := make(chan map[string]string)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		defer close(got)
		if err := raiseAmbient(unix.CAP_NET_RAW); err != nil && os.Geteuid() == 0 { // others have none to raise
			t.Errorf("it takes CAP_NET_RAW: %v", err)
		}
		if before := threadStatus(t)["CapAmb"]; strings.Trim(before, "0") == "" && os.Geteuid() == 0 {
			t.Error("no ambient capability to begin with")
		}
		if err := confineThread(func() error { got <- threadStatus(t); return nil }); err != nil {
			t.Error(err)
		}
	}()
	status := <-got
	for _, set := range []string{"CapInh", "CapAmb"} {
		if strings.Trim(status[set], "0") != "" {
			t.Errorf("%s is %s", set, status[set])
		}
	}
	if status["NoNewPrivs"] != "1" {
		t.Errorf("no_new_privs is %s", status["NoNewPrivs"])
	}
}

// raiseAmbient gives this thread an ambient capability that it has.
func raiseAmbient(capability uint) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	sets[0].Inheritable |= 1 << capability
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(capability), 0, 0)
}

func threadStatus(t *testing.T) map[string]string {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Error(err)
	}
	status := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.TrimSpace(value)
	}
	return status
}
