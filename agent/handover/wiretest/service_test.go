package wiretest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// nobody is the user of that name on Debian.
const nobody = 65534

// manager is a service manager, as far as sd_notify(3) goes.
type manager struct {
	mu   sync.Mutex
	told []string
}

func startManager(t *testing.T, path string) *manager {
	t.Helper()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		err = os.Chmod(path, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{}
	var hearing sync.WaitGroup
	hearing.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := socket.Read(buffer)
			if err != nil {
				return // closed
			}
			m.mu.Lock()
			m.told = append(m.told, strings.Split(string(buffer[:n]), "\n")[0])
			m.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = socket.Close()
		hearing.Wait()
	})
	return m
}

// heard returns what the manager was told, each thing once where it was repeated, but the watchdog.
func (m *manager) heard() (states string, watchdog bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, state := range m.told {
		if state == "WATCHDOG=1" {
			watchdog = true
			continue
		}
		states += state + " "
	}
	return strings.TrimSpace(states), watchdog
}

func (m *manager) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = nil
}

// As its service has it: an ordinary user with capabilities from the ambient set, which programs that it starts do not
// get, and a service manager that follows the main process and restarts what says nothing.
func TestUpgrade_OfAServiceKeepsItsCapabilitiesAndTellsItsManager(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d := newDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	for _, path := range []string{d.dir, filepath.Join(d.dir, "agent.hcl")} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(d.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	m := startManager(t, filepath.Join(d.dir, "notify"))
	const capabilities = "+net_admin,+net_raw,+sys_nice,+setuid,+setgid,+kill,+setpcap"
	d.start([]string{"setpriv", fmt.Sprintf("--reuid=%d", nobody), fmt.Sprintf("--regid=%d", nobody), "--clear-groups", "--no-new-privs",
		"--inh-caps=" + capabilities, "--ambient-caps=" + capabilities, "sh", "-c", `WATCHDOG_PID=$$ exec "$@"`, "sh"},
		"NOTIFY_SOCKET="+filepath.Join(d.dir, "notify"), "WATCHDOG_USEC=200000")
	d.put("/v1/vrrp-instances/web", instance(200))
	d.await("it is active", func() bool { return d.web().State == "active" })
	d.await("the watchdog is told", func() bool { states, watchdog := m.heard(); return states == "READY=1" && watchdog })
	for range 2 {
		m.forget()
		d.upgrade()
		want := fmt.Sprintf("MAINPID=%d READY=1", d.pid)
		d.await("the manager knows the next one, which tells its watchdog", func() bool { states, watchdog := m.heard(); return states == want && watchdog })
	}
	if got := d.web(); got.State != "active" {
		t.Errorf("%+v", got)
	}
	// What it may do, it still may: an address more, and real-time priority for adverts.
	d.put("/v1/vrrp-instances/web", strings.Replace(instance(200), `["192.0.2.100/24"`, `["192.0.2.100/24","192.0.2.101/24"`, 1))
	d.await("the address is there", func() bool {
		all, err := d.host.Addresses()
		return err == nil && strings.Contains(fmt.Sprint(all), "192.0.2.101/24")
	})
	if log := d.log(); strings.Contains(log, "without real-time priority") {
		t.Error("it lost its right to real-time priority")
	}
	m.forget()
	if err := syscall.Kill(d.pid, syscall.SIGUSR2); err != nil { // the signal does the same
		t.Fatal(err)
	}
	d.await("another one took over", func() bool { return !runs(d.pid) })
	d.await("the manager knows it", func() bool {
		states, _ := m.heard()
		return strings.HasPrefix(states, "MAINPID=") && strings.HasSuffix(states, " READY=1")
	})
	states, _ := m.heard()
	if _, err := fmt.Sscanf(states, "MAINPID=%d READY=1", &d.pid); err != nil {
		t.Fatal(err)
	}
	m.forget()
	if err := syscall.Kill(d.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.await("it stopped", func() bool { return !runs(d.pid) })
	d.await("the manager knows it", func() bool { states, _ := m.heard(); return states == "STOPPING=1" })
	if all, err := d.host.Addresses(); err != nil || strings.Contains(fmt.Sprint(all), "192.0.2.100") {
		t.Errorf("what stopped in order left %v, %v", all, err)
	}
	if _, err := os.Lstat(filepath.Join(d.dir, "agent.sock")); err == nil {
		t.Error("what stopped in order left its socket")
	}
}
