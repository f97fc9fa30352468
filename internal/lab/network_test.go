package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// soon is a context for what should take no time at all, on a machine that may be busy.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func connect(ctx context.Context, from *lab.Host, to string) error {
	c, err := from.DialContext(ctx, "tcp", to)
	if err != nil {
		return err
	}
	return c.Close()
}

// mustReach fails the test unless a connection from the host gets to an address at which somebody
// listens. It takes as many tries as it needs: a host that has just looked for the address in vain
// waits a second before it asks again (RFC 1122 §2.3.2.1).
func mustReach(t *testing.T, from *lab.Host, to string) {
	t.Helper()
	for ctx := soon(t); ; {
		err := connect(ctx, from, to)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s does not reach %s: %v", from.Name(), to, err)
		}
	}
}

// mustNotReach fails the test if a connection from the host gets to an address.
func mustNotReach(t *testing.T, from *lab.Host, to string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := connect(ctx, from, to); err == nil {
		t.Errorf("%s reaches %s", from.Name(), to)
	}
}

// listen opens a port on a host until the test ends.
func listen(t *testing.T, on *lab.Host, address string) {
	t.Helper()
	l, err := on.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

func TestHostsReachEachOtherAtOnce(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	a := n.Host(t, "a", "192.0.2.1/24", "2001:db8::1/64")
	b := n.Host(t, "b", "192.0.2.2/24", "2001:db8::2/64")
	listen(t, b, ":80")
	for _, address := range []string{"192.0.2.2:80", "[2001:db8::2]:80"} {
		if err := connect(soon(t), a, address); err != nil {
			t.Errorf("a, just made, does not reach b: %v", err)
		}
	}
	got, err := b.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.2/24"), netip.MustParsePrefix("2001:db8::2/64")}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(x, y netip.Prefix) bool { return x == y })); diff != "" {
		t.Errorf("addresses of b (-want +got):\n%s", diff)
	}
}

func TestNetworksAreApart(t *testing.T) {
	t.Parallel()
	one, two := lab.Start(t), lab.Start(t)
	a := one.Host(t, "a", "192.0.2.1/24")
	listen(t, two.Host(t, "b", "192.0.2.2/24"), "192.0.2.2:80")
	mustNotReach(t, a, "192.0.2.2:80")
	listen(t, one.Host(t, "b", "192.0.2.2/24"), "192.0.2.2:80")
	mustReach(t, a, "192.0.2.2:80")
}

func TestDisconnectedHostIsAloneUntilRestored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		disconnect  func(*lab.Host) error
		wantCarrier string
	}{
		"cut":      {(*lab.Host).Cut, "0"},
		"isolated": {(*lab.Host).Isolate, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			a, b := n.Host(t, "a", "192.0.2.1/24"), n.Host(t, "b", "192.0.2.2/24")
			listen(t, a, "192.0.2.1:80")
			listen(t, b, "192.0.2.2:80")
			mustReach(t, a, "192.0.2.2:80")
			mustReach(t, b, "192.0.2.1:80")
			if err := c.disconnect(b); err != nil {
				t.Fatal(err)
			}
			mustNotReach(t, a, "192.0.2.2:80")
			mustNotReach(t, b, "192.0.2.1:80")
			carrier, err := b.Output(soon(t), "cat", "/sys/class/net/eth0/carrier")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(carrier); got != c.wantCarrier {
				t.Errorf("disconnected, its carrier is %s, want %s", got, c.wantCarrier)
			}
			if err := b.Restore(); err != nil {
				t.Fatal(err)
			}
			mustReach(t, a, "192.0.2.2:80")
			mustReach(t, b, "192.0.2.1:80")
		})
	}
}

func TestRealServerKeepsQuietAboutTheVirtualAddress(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	client := n.Host(t, "client", "192.0.2.1/24")
	rs := n.Host(t, "rs", "192.0.2.2/24")
	listen(t, rs, ":80")
	if err := rs.RealServerDR(netip.MustParseAddr("192.0.2.100")); err != nil {
		t.Fatal(err)
	}
	mustReach(t, rs, "192.0.2.100:80")
	mustNotReach(t, client, "192.0.2.100:80")
}

func TestCommandIsItsOwnProcessAndEndsWithTheContext(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "a")
	ctx, cancel := context.WithCancel(soon(t))
	cmd := h.Command(ctx, "sh", "-c", "echo $$; sleep 1000 & wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if pid != cmd.Process.Pid {
		t.Errorf("the command is process %d, and Command started %d", pid, cmd.Process.Pid)
	}
	cancel()
	// The pipe is at its end when the last that holds it has ended: sleep, too.
	if _, err := io.ReadAll(out); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a command that was killed reports success")
	}
}

func TestOutputOfFailedCommandNamesHostAndReason(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "a")
	_, err := h.Output(soon(t), "sh", "-c", "echo out; echo reason >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "a: sh") || !strings.Contains(err.Error(), "reason") {
		t.Errorf("error %v names neither host nor reason", err)
	}
}

func TestDoLeavesTheCallerWhereItWas(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "a")
	namespaceOf := func() string {
		here, err := os.Readlink("/proc/thread-self/ns/net")
		if err != nil {
			t.Error(err)
		}
		return here
	}
	outside := namespaceOf()
	var inside string
	if err := h.Do(func() error { inside = namespaceOf(); return nil }); err != nil {
		t.Fatal(err)
	}
	if inside == outside {
		t.Error("Do called the function in the caller's namespace")
	}
	if now := namespaceOf(); now != outside {
		t.Errorf("Do left the caller in %s; it was in %s", now, outside)
	}
}

func TestSysctlsOfTheMachineAreRefused(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "a")
	if err := h.SetSysctl("kernel.hostname", "other"); err == nil {
		t.Error("a setting of the whole machine was set")
	}
	if err := h.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Error(err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	n, err := lab.NewNetwork(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	h, err := n.AddHost("a", netip.MustParsePrefix("192.0.2.1/24"))
	if err != nil {
		t.Fatal(err)
	}
	// a process of another group, or one that is not there yet
	cmd := h.Command(t.Context(), "sh", "-c", "setsid sleep 1000 & wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	namespace := filepath.Join("/run/netns", h.Namespace())
	var inside unix.Stat_t
	if err := unix.Stat(namespace, &inside); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process on the host ended by itself")
	}
	if left, _ := filepath.Glob(strings.TrimSuffix(namespace, "a") + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(n.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %s: %v", n.Dir(), err)
	}
	tasks, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/net")
	if len(tasks) == 0 {
		t.Fatal("no tasks found: the test sees nothing")
	}
	for _, task := range tasks {
		var stat unix.Stat_t
		if unix.Stat(task, &stat) == nil && stat.Ino == inside.Ino {
			t.Errorf("%s is still in the host's namespace", task)
		}
	}
	if _, err := n.AddHost("b"); err == nil {
		t.Error("a network that is down takes a host")
	}
}

func TestNetworkEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n, err := lab.NewNetwork(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h, err := n.AddHost("a")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for ctx := soon(t); ; {
		_, err := os.Stat(filepath.Join("/run/netns", h.Namespace()))
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the network outlives its context")
		}
		time.Sleep(time.Millisecond)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
