package wiretest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// director is a process on a host, as a test sees it.
type director struct {
	t    *testing.T
	host *lab.Host
	dir  string

	cmd *exec.Cmd
	in  io.Writer
	out *json.Decoder
	log *safeBuffer
}

// startDirector starts one without instances.
func startDirector(t *testing.T, host *lab.Host) *director {
	t.Helper()
	d := &director{t: t, host: host, dir: t.TempDir(), log: &safeBuffer{}}
	d.start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", host.Name(), d.log)
		}
	})
	return d
}

// start starts the process, again if need be. What the last one left in the folder is there.
func (d *director) start() {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	d.cmd = d.host.Command(context.WithoutCancel(d.t.Context()), self) // the network's end ends it
	d.cmd.Env = append(os.Environ(), directorVariable+"="+d.dir)
	d.cmd.Stderr = d.log
	in, err := d.cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.in, d.out = in, json.NewDecoder(out)
}

func (d *director) ask(q request) response {
	d.t.Helper()
	var a response
	line, err := spec.EncodeWithSecrets(q)
	if err == nil {
		_, err = d.in.Write(append(line, '\n'))
	}
	if err != nil {
		d.t.Fatalf("%s: %v", d.host.Name(), err)
	}
	if err := d.out.Decode(&a); err != nil {
		d.t.Fatalf("%s: %v", d.host.Name(), err)
	}
	return a
}

// set has the director take part in these instances and no others.
func (d *director) set(instances map[string]spec.VRRPInstance) {
	d.t.Helper()
	if a := d.ask(request{Instances: instances}); a.Error != "" {
		d.t.Fatalf("%s: %s", d.host.Name(), a.Error)
	}
}

// status returns that of the instance "web".
func (d *director) status() spec.VRRPInstanceStatus {
	d.t.Helper()
	return d.ask(request{}).Status["web"]
}

// kill is kill -9.
func (d *director) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	_ = d.cmd.Wait() // says that it was killed
}

// stop is what a service manager does.
func (d *director) stop() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Fatalf("%s: %v", d.host.Name(), err)
	}
}

const (
	virtual = "192.0.2.100/24"
	// interval is short, for the sake of who waits, and long enough for a busy machine.
	interval = 100 * time.Millisecond
)

func instance(priority int) spec.VRRPInstance {
	v := spec.DefaultVRRPInstance()
	v.VirtualRouterID, v.Interface, v.Priority = 51, "eth0", priority
	v.AdvertisementInterval = spec.Duration(interval)
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix(virtual)}
	v.GARP.Delay, v.GARP.Repeat = spec.Duration(time.Second), 1
	return v
}

// steady is an instance that no stall of a busy machine makes leave its role.
func steady(priority int) spec.VRRPInstance {
	v := instance(priority)
	v.AdvertisementInterval = spec.Duration(time.Second)
	return v
}

func web(v spec.VRRPInstance) map[string]spec.VRRPInstance {
	return map[string]spec.VRRPInstance{"web": v}
}

func carries(t *testing.T, h *lab.Host, address string) bool {
	t.Helper()
	all, err := h.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(all, netip.MustParsePrefix(address))
}

// is tells whether the director is in a state and carries the address if, and only if, that is active.
func (d *director) is(state spec.InstanceState) bool {
	d.t.Helper()
	return d.carriesAs(state, virtual)
}

// carriesAs is that for another address.
func (d *director) carriesAs(state spec.InstanceState, address string) bool {
	d.t.Helper()
	return d.status().State == state && carries(d.t, d.host, address) == (state == spec.InstanceActive)
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// roles waits until one director is active and the other backup.
func roles(t *testing.T, active, backup *director) {
	t.Helper()
	eventually(t, active.host.Name()+" is active and "+backup.host.Name()+" is not", func() bool {
		return active.is(spec.InstanceActive) && backup.is(spec.InstanceBackup)
	})
}

// pair starts two directors, of which the first is preferred, and waits for their roles.
func pair(t *testing.T, n *lab.Network) (d1, d2 *director) {
	t.Helper()
	return pairOf(t, n, inIPv4)
}

// pairOf is pair for a family.
func pairOf(t *testing.T, n *lab.Network, family func(*spec.VRRPInstance)) (d1, d2 *director) {
	t.Helper()
	d1 = startDirector(t, n.Host(t, "d1", "192.0.2.11/24", "2001:db8::11/64"))
	d2 = startDirector(t, n.Host(t, "d2", "192.0.2.12/24", "2001:db8::12/64"))
	preferred, other := instance(150), instance(100)
	family(&preferred)
	family(&other)
	d1.set(web(preferred))
	d2.set(web(other))
	address := preferred.VirtualAddresses[len(preferred.VirtualAddresses)-1].String()
	eventually(t, "d1 is active and d2 is not", func() bool {
		return d1.carriesAs(spec.InstanceActive, address) && d2.carriesAs(spec.InstanceBackup, address)
	})
	return d1, d2
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}
