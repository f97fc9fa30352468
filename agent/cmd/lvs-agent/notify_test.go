package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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
