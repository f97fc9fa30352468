package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent"
)

// It sets the environment and signals itself, and so runs beside no other.
func TestTheServiceManagerIsTold(t *testing.T) {
	dir := t.TempDir()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	t.Setenv("WATCHDOG_USEC", "200000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	file := filepath.Join(dir, "agent.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, "dataplane = \"memory\"\nlisten = \"unix://%s/agent.sock\"\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		root := rootCommand()
		root.SetArgs([]string{"run", "--config", file})
		ended <- root.ExecuteContext(ctx)
	}()
	wait := func(want string) {
		t.Helper()
		buffer := make([]byte, 1024)
		_ = manager.SetReadDeadline(time.Now().Add(20 * time.Second))
		for {
			n, err := manager.Read(buffer)
			if err != nil {
				t.Fatalf("waited in vain for %s: %v", want, err)
			}
			if strings.HasPrefix(string(buffer[:n]), want) {
				return
			}
		}
	}
	wait("READY=1")
	wait("WATCHDOG=1")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	wait("RELOADING=1\nMONOTONIC_USEC=")
	wait("READY=1")
	stop()
	wait("STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// atWork is a worker that is.
type atWork struct{ started chan struct{} }

func (a atWork) Started() <-chan struct{} { return a.started }
func (a atWork) Alive()                   {}

// It sets the environment, and so runs beside no other.
func TestTheServiceManagerIsToldOfAStopOnlyWhenTheProcessEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	started := make(chan struct{})
	close(started)
	for _, tt := range []struct {
		name  string
		cause error
		want  []string
	}{
		{"the agent was told to stop", nil, []string{"READY=1", "STOPPING=1"}},
		{"the agent failed", errors.New("no more sockets"), []string{"READY=1", "STOPPING=1"}},
		{"the state was restored", agent.ErrRestored, []string{"READY=1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			told := make(chan struct{})
			go func() {
				defer close(told)
				tellManager(ctx, atWork{started}, slog.New(slog.DiscardHandler))
			}()
			buffer := make([]byte, 1024)
			var got []string
			read := func(patience time.Duration) {
				_ = manager.SetReadDeadline(time.Now().Add(patience))
				if n, err := manager.Read(buffer); err == nil {
					got = append(got, string(buffer[:n]))
				}
			}
			read(20 * time.Second)
			end(tt.cause)
			<-told
			read(50 * time.Millisecond) // what was said is there by now
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}
