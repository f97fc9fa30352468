package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A test that runs a program starts its own binary as the keeper.
func TestMain(m *testing.M) {
	if IsKeeper(os.Args) {
		_ = Keep(os.Stdin, os.Stdout)
		syscall.Exit(0) // without the second that the race detector waits in os.Exit
	}
	os.Exit(m.Run())
}

// service returns this test binary as the agent's service runs: a user of its own, with the capabilities that programs
// take (agent/packaging/lvs-agent.service).
func service(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	const user = 65533
	dir := t.TempDir()
	if err := errors.Join(os.Chown(dir, user, user), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, arguments...)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: user, Gid: user},
		AmbientCaps: []uintptr{unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL, unix.CAP_SETPCAP},
	}
	return cmd
}
