package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Ways out: each writes the process that got away to the file $1. The first two leave the session by a fork in
// between, so that their parent is dead when they are looked for, and the second shakes off the environment, too.
const (
	daemon      = `sh -c 'setsid sh -c "echo \$\$ >\"\$1\"; exec sleep 60" sh "$1" &' sh "$1"` + "\n"
	bareDaemon  = `sh -c 'env -i /usr/bin/setsid /bin/sh -c "trap \"\" TERM HUP INT; echo \$\$ >\"\$1\"; sleep 60; sleep 60" sh "$1" >/dev/null 2>&1 </dev/null &' sh "$1"` + "\n"
	generations = `setsid sh -c '(setsid sh -c "(setsid sh -c \"echo \\\$\\\$ >\\\"\\\$1\\\"; exec sleep 60\" sh \"\$1\" & sleep 60)" sh "$1" & sleep 60)' sh "$1" &` + "\n"
	written     = `while [ ! -s "$1" ]; do sleep 0.01; done` + "\n"
)

func TestNothingOfAScriptIsLeftThatLeavesItsSession(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	for name, way := range map[string]string{"daemon": daemon, "daemon that knows nothing of its past": bareDaemon, "daemons of daemons": generations} {
		for end, tt := range map[string]struct{ body, want string }{
			"when it hangs":        {"sleep 60", "its time is up"},
			"when it ends":         {"exit 0", "passed"},
			"when it fails":        {"exit 1", "exit status 1"},
			"when it kills itself": {"kill -KILL $$", "signal: killed"},
		} {
			t.Run(name+" "+end, func(t *testing.T) {
				note := noteIn(t, dir)
				ctx, cancel := context.WithCancelCause(t.Context())
				done := make(chan error, 1)
				go func() {
					done <- s.Run(ctx, Command{Line: []string{write(t, dir, "escape", way+written+tt.body), note}})
				}()
				await(t, "the process is away", func() bool { text, _ := os.ReadFile(note); return strings.HasSuffix(string(text), "\n") })
				if tt.body == "sleep 60" {
					cancel(errors.New("its time is up"))
				}
				if diff := cmp.Diff(tt.want, text(<-done)); diff != "" {
					t.Errorf("reason (-want +got):\n%s", diff)
				}
				if err := unix.Kill(readPID(t, note), 0); !errors.Is(err, unix.ESRCH) {
					t.Errorf("the process is still there when the run is over: %v", err)
				}
				cancel(nil)
			})
		}
	}
}

// What one script has in the background is none of another's business.
func TestTheEndOfAScriptLeavesTheOthersAlone(t *testing.T) {
	dir := scriptFolder(t)
	note := noteIn(t, dir)
	s := newSandbox(t, dir, "nobody")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	path := write(t, dir, "escape", daemon+"sleep 60")
	go func() { done <- s.Run(ctx, Command{Line: []string{path, note}}) }()
	await(t, "the process is away", func() bool { text, _ := os.ReadFile(note); return strings.HasSuffix(string(text), "\n") })
	other := write(t, dir, "other", "sleep 60 & setsid sleep 60 &")
	for range 3 {
		if got := runScript(t, s, patience, other); got != "passed" {
			t.Fatal(got)
		}
	}
	pid := readPID(t, note)
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("the end of another script ended the process: %v", err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a script that was ended has passed")
	}
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the process is still there: %v", err)
	}
}

func TestNothingIsLeftOfScriptsWhenTheAgentEnds(t *testing.T) {
	dir := scriptFolder(t)
	note := noteIn(t, dir)
	s := newSandbox(t, dir, "nobody")
	path := write(t, dir, "escape", daemon+"sleep 60")
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context(), Command{Line: []string{path, note}}) }()
	await(t, "the process is away", func() bool { text, _ := os.ReadFile(note); return strings.HasSuffix(string(text), "\n") })
	if err := s.Close(); err != nil { // the kernel closes a dead agent's end, too
		t.Fatal(err)
	}
	if err := unix.Kill(readPID(t, note), 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the process is still there: %v", err)
	}
	if _, unstarted := errors.AsType[*StartError](<-done); !unstarted {
		t.Error("a program of which the end is not known counts as one that ran")
	}
}

// A script can do to the process that runs scripts what it can do to others of its user.
func TestScriptThatEndsTheKeeperEndsItself(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	note := noteIn(t, dir)
	got := runScript(t, s, patience, write(t, dir, "kill", daemon+written+"kill -KILL $PPID; sleep 60"), note)
	if diff := cmp.Diff("what runs scripts has ended: signal: killed", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := runScript(t, s, patience, write(t, dir, "next", "exit 0")); got != "passed" {
		t.Errorf("the next script: %s", got)
	}
	if err := unix.Kill(readPID(t, note), 0); err == nil {
		awaitGone(t, readPID(t, note)) // init takes its time
	}
}

// One that does not go on is replaced.
func TestScriptThatStopsTheKeeperIsEnded(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	got := runScript(t, s, time.Second, write(t, dir, "stop", "kill -STOP $PPID; sleep 60"))
	if diff := cmp.Diff("context deadline exceeded", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	await(t, "the next script passes", func() bool { return runScript(t, s, patience, write(t, dir, "next", "exit 0")) == "passed" })
}

// Scripts that hang are no burden to others, nor to the number of the user's processes.
func TestManyScriptsAtOnce(t *testing.T) {
	const many = 200
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	path := write(t, dir, "hang", `echo >>"$1"; exec sleep 60`)
	note := noteIn(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, many)
	for range many {
		go func() { done <- s.Run(ctx, Command{Line: []string{path, note}}) }()
	}
	await(t, "all run", func() bool { text, _ := os.ReadFile(note); return len(text) == many })
	threads, err := os.ReadDir(filepath.Join("/proc", s.keeper.pid(), "task"))
	if err != nil || len(threads) > many/2 {
		t.Errorf("there are %d threads for %d scripts: %v", len(threads), many, err)
	}
	if got := runScript(t, s, patience, write(t, dir, "pass", "exit 0")); got != "passed" {
		t.Error(got)
	}
	cancel()
	for range many {
		if err := <-done; err == nil {
			t.Error("a script that was ended has passed")
		}
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}
