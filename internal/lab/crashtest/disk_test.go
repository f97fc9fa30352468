package crashtest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// smallDisk installs a director whose state is on a disk of 1 MiB that is its own.
func smallDisk(t *testing.T) (*lab.Director, string) {
	t.Helper()
	dir := t.TempDir()
	disk := filepath.Join(dir, "d1", "state")
	if err := os.MkdirAll(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	return install(t, dir), disk
}

func call(t *testing.T, d *lab.Director, method, path, body string) (int, string) {
	t.Helper()
	status, answer, err := d.Call(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func putService(t *testing.T, d *lab.Director) {
	t.Helper()
	if status, answer := call(t, d, http.MethodPut, "/v1/virtual-servers/web", `{"address":"192.0.2.100","port":80,"scheduler":"wrr","forwarding_method":"nat"}`); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
}

func TestAWriteToAFullDiskIsRefusedAndNothingIsHalfDone(t *testing.T) {
	d, disk := smallDisk(t)
	start(t, d)
	putService(t, d)
	fill(t, filepath.Join(disk, "fill"))
	refused := 0
	for n := range 400 { // the file has some pages to spare
		status, answer := call(t, d, http.MethodPut, fmt.Sprintf("/v1/virtual-servers/web/real-servers/192.0.2.21:%d", 1000+n), `{"weight":1}`)
		if status == http.StatusCreated {
			continue
		}
		if status != http.StatusInsufficientStorage || !strings.Contains(answer, "make some and try again") {
			t.Fatalf("answered %d: %s", status, answer)
		}
		refused++
		break
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	if diff := cmp.Diff(onDisk(t, d), inKernel(t, d)); diff != "" {
		t.Errorf("(-disk +kernel):\n%s", diff)
	}

	before := onDisk(t, d)
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	start(t, d) // on the full disk
	if diff := cmp.Diff(before, onDisk(t, d)); diff != "" {
		t.Errorf("after the restart (-want +got):\n%s", diff)
	}
	if err := os.Remove(filepath.Join(disk, "fill")); err != nil {
		t.Fatal(err)
	}
	if status, answer := call(t, d, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.22:80", `{"weight":1}`); status != http.StatusCreated {
		t.Errorf("with room again it answered %d: %s", status, answer)
	}
}

// fill takes all the room of a disk.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStateFolderThatCannotBeWrittenIsSaid(t *testing.T) {
	d, disk := smallDisk(t)
	start(t, d)
	putService(t, d)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "is on a read-only file system") {
		t.Errorf("error %v", err)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size=1m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	start(t, d)
}

// virtualAddresses are those of the routers of putRouters.
const virtualAddresses = "192.0.2.100 192.0.2.101"

// putRouters puts two virtual routers and waits until they are active: one whose address is on the interface itself, and
// one with a virtual MAC.
func putRouters(t *testing.T, d *lab.Director) {
	t.Helper()
	for name, body := range map[string]string{
		"web": `{"virtual_router_id":51,"interface":"eth0","advertisement_interval":"100ms","virtual_addresses":["192.0.2.100/24"]}`,
		"mac": `{"virtual_router_id":52,"interface":"eth0","advertisement_interval":"100ms","virtual_mac":true,"virtual_addresses":["192.0.2.101/24"]}`,
	} {
		if status, answer := call(t, d, http.MethodPut, "/v1/vrrp-instances/"+name, body); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
	}
	await(t, "both routers are active", func() bool { return addresses(t, d) == virtualAddresses })
}

// addresses returns which of the virtual addresses are on an interface that is up.
func addresses(t *testing.T, d *lab.Director) string {
	t.Helper()
	text, err := d.Host.Output(t.Context(), "ip", "-o", "-4", "addr", "show", "up")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, a := range strings.Fields(virtualAddresses) {
		if strings.Contains(text, " "+a+"/") {
			found = append(found, a)
		}
	}
	return strings.Join(found, " ")
}

func wantAddresses(t *testing.T, d *lab.Director, when string) {
	t.Helper()
	if got := addresses(t, d); got != virtualAddresses {
		t.Errorf("%s the director has %q of %q", when, got, virtualAddresses)
	}
}

// Traffic flows on through a damaged state, and a backup brings the director back by itself.
func TestADamagedStateLeavesTheKernelAloneUntilABackupIsRestored(t *testing.T) {
	dir := t.TempDir()
	d := install(t, dir)
	start(t, d)
	putService(t, d)
	if status, answer := call(t, d, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", `{"weight":7}`); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	putRouters(t, d)
	status, backup := call(t, d, http.MethodGet, "/v1/backup", "")
	if status != http.StatusOK {
		t.Fatal(status, backup)
	}
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	want := weights{"192.0.2.21:80": 7}
	state := filepath.Join(dir, "d1", "state", "state.db")
	data, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[2*os.Getpagesize():]) // all but its heads
	if err := os.WriteFile(state, data, 0o600); err != nil {
		t.Fatal(err)
	}

	degraded := make(chan error, 1)
	go func() { degraded <- d.Start(t.Context()) }() // returns when it is ready
	await(t, "it says that it is degraded", func() bool {
		status, answer, err := d.Call(t.Context(), http.MethodGet, "/readyz", "")
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(answer, "degraded")
	})
	if status, answer := call(t, d, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", `{"weight":1}`); status != http.StatusServiceUnavailable {
		t.Errorf("a write was answered %d: %s", status, answer)
	}
	if diff := cmp.Diff(want, inKernel(t, d)); diff != "" {
		t.Errorf("the kernel's table (-want +got):\n%s", diff)
	}
	wantAddresses(t, d, "while it is degraded")

	file := filepath.Join(dir, "backup")
	if err := os.WriteFile(file, []byte(backup), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := d.Host.Output(t.Context(), lab.Program("lvs-agent"), "restore", "--config", filepath.Join(dir, "d1", "agent.hcl"), "--from", file)
	if err != nil {
		t.Fatal(text, err)
	}
	if err := <-degraded; err != nil {
		t.Fatal(err)
	}
	await(t, "restored it is active", func() bool { return addresses(t, d) == virtualAddresses })
	if diff := cmp.Diff(want, onDisk(t, d)); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, inKernel(t, d)); diff != "" {
		t.Errorf("the kernel's table (-want +got):\n%s", diff)
	}
}
