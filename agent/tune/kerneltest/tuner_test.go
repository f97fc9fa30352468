// Package kerneltest holds agent/tune against the IPVS and the sysctls of a real kernel. It is a folder of its
// own so that the tests that need no kernel run outside the guest, and under the race detector.
package kerneltest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm) }

// director is a host with a tuner and what it keeps on disk.
type director struct {
	*tune.Tuner
	t    *testing.T
	host *lab.Host
}

func newDirector(t *testing.T, n *lab.Network, name, address string) *director {
	t.Helper()
	d := &director{t: t, host: n.Host(t, name, address)}
	kernel := ipvs.NewKernel(ipvs.KernelConfig{Namespace: "/run/netns/" + d.host.Namespace()})
	d.Tuner = tune.New(tune.Config{
		IPVS: kernel, Machine: machine{d.host}, Roles: nobody{}, Ledger: store.LedgerOf[tune.Former](store.InMemory(), "settings"),
		Log: slog.New(slog.DiscardHandler), ResyncInterval: 200 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := kernel.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// machine is a host's.
type machine struct{ host *lab.Host }

func (m machine) Sysctl(key string) (value int, err error) {
	err = m.host.Do(func() error { value, err = tune.Local{}.Sysctl(key); return err })
	return value, err
}

func (m machine) SetSysctl(key string, value int) error {
	return m.host.Do(func() error { return tune.Local{}.SetSysctl(key, value) })
}

func (m machine) Interface(name string) (i tune.Interface, err error) {
	err = m.host.Do(func() error { i, err = tune.Local{}.Interface(name); return err })
	return i, err
}

type nobody struct{}

func (nobody) Role(string) tune.Role { return tune.RoleOther }

func (d *director) put(document string) {
	d.t.Helper()
	var v spec.IPVSSettings
	if err := spec.Decode([]byte(document), &v); err != nil {
		d.t.Fatal(err)
	}
	if errs := d.Check(d.t.Context(), v); errs != nil {
		d.t.Fatal(errs)
	}
	d.Set(&v)
	if err := d.Sync(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *director) output(line string) string {
	d.t.Helper()
	output, err := d.host.Output(d.t.Context(), strings.Fields(line)...)
	if err != nil {
		d.t.Fatal(err)
	}
	return output
}

// state is what the system's own tools say.
func (d *director) state() string {
	d.t.Helper()
	state := d.output("ipvsadm -L --daemon") + d.output("ipvsadm -L --timeout")
	for _, key := range []string{"vs/conn_reuse_mode", "vs/conntrack", "vs/expire_nodest_conn", "vs/sloppy_tcp", "ip_forward"} {
		state += key + " = " + d.output("cat /proc/sys/net/ipv4/"+key)
	}
	return state
}

// wants waits until the tools say so.
func (d *director) wants(when, want string) {
	d.t.Helper()
	got := d.state()
	for deadline := time.Now().Add(20 * time.Second); got != want && time.Now().Before(deadline); got = d.state() {
		time.Sleep(20 * time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

const all = `{
	"connection_sync":{"interface":"eth0","sync_id":7,"group":"224.0.0.99","port":8850,"ttl":3,"max_length":1400},
	"timeouts":{"tcp":"1h","udp":"1m"},
	"sysctls":{"conn_reuse_mode":0,"conntrack":true,"expire_nodest_conn":true,"sloppy_tcp":true,"ip_forward":true}}`

func TestSettingsAreAsTheSystemsOwnToolsSeeThem(t *testing.T) {
	d := newDirector(t, lab.Start(t), "director", "192.0.2.11/24")
	before := d.state()
	d.put(all)
	const want = `master sync daemon (mcast=eth0, syncid=7, maxlen=1400, group=224.0.0.99, port=8850, ttl=3)
backup sync daemon (mcast=eth0, syncid=7, maxlen=1400, group=224.0.0.99, port=8850, ttl=3)
Timeout (tcp tcpfin udp): 3600 120 60
vs/conn_reuse_mode = 0
vs/conntrack = 1
vs/expire_nodest_conn = 1
vs/sloppy_tcp = 1
ip_forward = 1
`
	d.wants("after putting them", want)
	writes := d.Metrics().Writes
	d.put(all)
	if got := d.Metrics().Writes - writes; got != 0 {
		t.Errorf("the same again took %d writes, want 0", got)
	}

	for _, behind := range []string{
		"ipvsadm --stop-daemon master",
		"ipvsadm --stop-daemon backup",
		"ipvsadm --set 100 0 0",
		"ipvsadm --set 0 0 200",
		"sysctl -qw net.ipv4.vs.conn_reuse_mode=1",
		"sysctl -qw net.ipv4.vs.conntrack=0",
		"sysctl -qw net.ipv4.vs.expire_nodest_conn=0",
		"sysctl -qw net.ipv4.vs.sloppy_tcp=0",
		"sysctl -qw net.ipv4.ip_forward=0",
	} {
		d.output(behind)
		d.wants("after "+behind, want)
	}
	counted := map[string]uint64{
		"connection_sync.master": 1, "connection_sync.backup": 1, "timeouts.tcp": 1, "timeouts.udp": 1, "sysctls.conn_reuse_mode": 1,
		"sysctls.conntrack": 1, "sysctls.expire_nodest_conn": 1, "sysctls.sloppy_tcp": 1, "sysctls.ip_forward": 1,
	}
	if diff := cmp.Diff(counted, d.Metrics().Drift); diff != "" {
		t.Errorf("drift counted (-want +got):\n%s", diff)
	}

	d.Set(nil)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.wants("after deleting them", before)
}

func TestDaemonWithOtherParametersIsReplaced(t *testing.T) {
	d := newDirector(t, lab.Start(t), "director", "192.0.2.11/24")
	d.output("ipvsadm --start-daemon master --mcast-interface eth0 --syncid 9")
	d.put(`{"connection_sync":{"interface":"eth0","group":"ff02::81"}}`)
	const want = `master sync daemon (mcast=eth0, syncid=0, maxlen=1452, group=ff02::81, port=8848, ttl=1)
backup sync daemon (mcast=eth0, syncid=0, maxlen=1452, group=ff02::81, port=8848, ttl=1)
`
	if diff := cmp.Diff(want, d.output("ipvsadm -L --daemon")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInterfaceWithoutAnIPv4AddressIsRefused(t *testing.T) {
	d := newDirector(t, lab.Start(t), "director", "2001:db8::11/64")
	sync := spec.DefaultConnectionSync()
	sync.Interface = "eth0"
	want := spec.FieldErrors{{Pointer: "/connection_sync/interface",
		Detail: "eth0 has no IPv4 address, which sync messages to 224.0.0.81 come from: give it one, or use another interface"}}
	if diff := cmp.Diff(want, d.Check(t.Context(), spec.IPVSSettings{ConnectionSync: &sync})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The kernel has no daemon beside destinations of another family, which spec refuses before; here is what it
// says.
func TestSyncBesideAnotherFamilyIsExplained(t *testing.T) {
	d := newDirector(t, lab.Start(t), "director", "192.0.2.11/24")
	kernel := ipvs.NewKernel(ipvs.KernelConfig{Namespace: "/run/netns/" + d.host.Namespace()})
	t.Cleanup(func() { _ = kernel.Close() })
	web := ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.100:80"))
	mixed := ipvs.Table{web: {Options: ipvs.Options{Scheduler: "rr"}, Destinations: map[netip.AddrPort]ipvs.Destination{
		netip.MustParseAddrPort("[2001:db8::21]:80"): {Forwarding: ipvs.Tunnel, Weight: 1},
	}}}
	if _, err := kernel.Apply(t.Context(), ipvs.Diff(ipvs.Table{}, mixed)); err != nil {
		t.Fatal(err)
	}
	sync := spec.DefaultConnectionSync()
	sync.Interface = "eth0"
	d.Set(&spec.IPVSSettings{ConnectionSync: &sync})
	if err := d.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "start the master sync daemon: invalid argument: the kernel has none beside destinations of another family") {
		t.Errorf("the error is %v", err)
	}
}

// A connection through one director is known to the other, in both directions.
func TestDirectorsTellEachOtherOfConnections(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := lab.Start(t)
	client := n.Host(t, "client", "192.0.2.1/24")
	server := n.Host(t, "rs", "192.0.2.21/24")
	vips := map[string]netip.Addr{"d1": netip.MustParseAddr("192.0.2.100"), "d2": netip.MustParseAddr("192.0.2.101")}
	directors := map[string]*director{
		"d1": newDirector(t, n, "d1", "192.0.2.11/24"), "d2": newDirector(t, n, "d2", "192.0.2.12/24"),
	}
	listener, err := server.Listen(ctx, "tcp", "0.0.0.0:80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go echo(listener)
	for name, d := range directors {
		if err := d.host.AddAddress(netip.PrefixFrom(vips[name], 32)); err != nil {
			t.Fatal(err)
		}
		if err := server.RealServerDR(vips[name]); err != nil {
			t.Fatal(err)
		}
		d.put(`{"connection_sync":{"interface":"eth0"}}`)
	}
	for _, d := range directors {
		for _, vip := range vips {
			d.output(fmt.Sprintf("ipvsadm -A -t %s:80 -s rr", vip))
			d.output(fmt.Sprintf("ipvsadm -a -t %s:80 -r 192.0.2.21 -g", vip))
		}
	}
	for through, other := range map[string]string{"d1": "d2", "d2": "d1"} {
		connection, err := client.DialContext(ctx, "tcp", vips[through].String()+":80")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = connection.Close() })
		lines := bufio.NewReader(connection)
		known := vips[through].String()
		for deadline := time.Now().Add(30 * time.Second); !strings.Contains(directors[other].output("ipvsadm -Lnc"), known); {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not know the connection through %s:\n%s", other, through, directors[through].output("ipvsadm -Lnc"))
			}
			if _, err := fmt.Fprintln(connection, "hello"); err != nil {
				t.Fatal(err)
			}
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// echo answers each connection with what it says.
func echo(l net.Listener) {
	for {
		connection, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(connection, connection)
			_ = connection.Close()
		}()
	}
}
