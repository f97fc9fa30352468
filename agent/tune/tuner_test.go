package tune

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// bench is a tuner on a machine in memory, and what it keeps on disk.
type bench struct {
	*Tuner
	t       *testing.T
	kernel  *ipvs.FakeSettings
	machine *Memory
	ledger  *store.Ledger[Former]
	roles   *roles
	policy  DriftPolicy
	events  []string
}

func newBench(t *testing.T, policy DriftPolicy) *bench {
	t.Helper()
	b := &bench{
		t: t, kernel: ipvs.NewFakeSettings(), machine: NewMemory(), roles: &roles{},
		ledger: store.LedgerOf[Former](store.InMemory(), "settings"), policy: policy,
	}
	b.restart("boot 1")
	return b
}

// restart is another process on the same machine.
func (b *bench) restart(boot string) {
	b.Tuner = New(Config{
		IPVS: b.kernel, Machine: b.machine, Roles: b.roles, Ledger: b.ledger, Log: slog.New(slog.DiscardHandler),
		Identity: boot, DriftPolicy: b.policy, Publish: func(events ...spec.Event) {
			for _, e := range events {
				b.events = append(b.events, fmt.Sprintf("%s %s %s: %s=%s, want %s", e.Type, e.Kind, e.Name, e.Drift.Field, e.Drift.Actual, e.Drift.Want))
			}
		},
	})
}

// put is a request for the settings.
func (b *bench) put(document string) {
	b.t.Helper()
	v := settingsOf(b.t, document)
	b.Set(&v)
	if err := b.Sync(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) remove() {
	b.t.Helper()
	b.Set(nil)
	if err := b.Sync(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// resync is a look that nobody asked for.
func (b *bench) resync() {
	b.t.Helper()
	if err := b.pass(b.t.Context(), whatWeChanged); err != nil {
		b.t.Fatal(err)
	}
}

// did returns what was typed while do ran.
func (b *bench) did(do func()) []string {
	b.t.Helper()
	before := len(b.kernel.Commands())
	do()
	var short []string
	for _, c := range b.kernel.Commands()[before:] {
		c = strings.TrimSuffix(c, " --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1")
		short = append(short, strings.TrimPrefix(c, "ipvsadm "))
	}
	return short
}

func (b *bench) wantDid(what string, want []string, do func()) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.did(do)); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) sysctl(name string) int {
	b.t.Helper()
	value, err := b.machine.Sysctl(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

func (b *bench) wantSysctl(name string, want int, when string) {
	b.t.Helper()
	if got := b.sysctl(name); got != want {
		b.t.Errorf("%s: %s is %d, want %d", when, name, got, want)
	}
}

func (b *bench) drift() []spec.Drift {
	b.t.Helper()
	b.mu.Lock()
	b.view.at = time.Time{} // the view is too old to be answered with
	b.mu.Unlock()
	_, drift := b.Status(b.t.Context())
	return drift
}

func settingsOf(t *testing.T, document string) spec.IPVSSettings {
	t.Helper()
	var v spec.IPVSSettings
	if err := spec.Decode([]byte(document), &v); err != nil {
		t.Fatal(err)
	}
	if errs := v.Validate(); errs != nil {
		t.Fatal(errs)
	}
	return v
}

// roles is what the test says.
type roles struct {
	mu   sync.Mutex
	says Role
}

func (r *roles) Role(string) Role {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.says
}

func (r *roles) set(says Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.says = says
}

const (
	reuse     = "net.ipv4.vs.conn_reuse_mode"
	conntrack = "net.ipv4.vs.conntrack"
	forward   = "net.ipv4.ip_forward"

	syncing   = `{"connection_sync":{"interface":"eth0"}}`
	following = `{"connection_sync":{"interface":"eth0","follow":"web"}}`
	asMaster  = "--start-daemon master --mcast-interface eth0 --syncid 0"
	asBackup  = "--start-daemon backup --mcast-interface eth0 --syncid 0"
)

func TestSettingsAreMadeAndWhatTheyWereComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	before := b.kernel.String() + b.machine.String()
	b.wantDid("putting them", []string{"--set 3600 0 60", asMaster, asBackup}, func() {
		b.put(`{"timeouts":{"tcp":"1h","udp":"1m"},"sysctls":{"conn_reuse_mode":0,"conntrack":true,"ip_forward":true},"connection_sync":{"interface":"eth0"}}`)
	})
	b.wantSysctl(reuse, 0, "after putting them")
	b.wantSysctl(conntrack, 1, "after putting them")
	b.wantSysctl(forward, 1, "after putting them")
	writes := b.Metrics().Writes
	b.put(`{"timeouts":{"tcp":"1h","udp":"1m"},"sysctls":{"conn_reuse_mode":0,"conntrack":true,"ip_forward":true},"connection_sync":{"interface":"eth0"}}`)
	if got := b.Metrics().Writes; got != writes {
		t.Errorf("the same again took %d writes, want 0", got-writes)
	}

	b.wantDid("leaving a timeout out", []string{"--set 0 0 300"}, func() {
		b.put(`{"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":true},"connection_sync":{"interface":"eth0"}}`)
	})
	b.wantSysctl(reuse, 1, "after leaving it out")
	b.wantSysctl(forward, 0, "after leaving it out")
	b.wantSysctl(conntrack, 1, "after leaving others out")

	b.wantDid("deleting them", []string{"--set 900 0 0", "--stop-daemon master", "--stop-daemon backup"}, b.remove)
	if diff := cmp.Diff(before, b.kernel.String()+b.machine.String()); diff != "" {
		t.Errorf("what they were (-want +got):\n%s", diff)
	}
	if left, err := b.ledger.Entries(); len(left) != 0 || err != nil {
		t.Errorf("the record still has %v, %v", left, err)
	}
}

func TestAnotherParameterRestartsTheDaemonsAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.put(`{"timeouts":{"tcp":"1h"},"connection_sync":{"interface":"eth0"}}`)
	b.wantDid("another id", []string{
		"--stop-daemon master", "--start-daemon master --mcast-interface eth0 --syncid 7",
		"--stop-daemon backup", "--start-daemon backup --mcast-interface eth0 --syncid 7",
	}, func() { b.put(`{"timeouts":{"tcp":"1h"},"connection_sync":{"interface":"eth0","sync_id":7}}`) })
	b.wantDid("no sync", []string{"--stop-daemon master", "--stop-daemon backup"}, func() { b.put(`{"timeouts":{"tcp":"1h"}}`) })
}

func TestDaemonFollowsAnInstance(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.roles.set(RoleOther)
	b.wantDid("as backup", []string{asBackup}, func() { b.put(following) })
	b.roles.set(RoleActive)
	b.wantDid("taking over", []string{asMaster, "--stop-daemon backup"}, b.resync)
	b.roles.set(RoleOther)
	b.wantDid("handing over", []string{asBackup, "--stop-daemon master"}, b.resync)
	b.wantDid("following nobody any more", []string{asMaster}, func() { b.put(syncing) })
	b.wantDid("following again", []string{"--stop-daemon master"}, func() { b.put(following) })
}

func TestRestartedAgentChangesNothing(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]Role{"active": RoleActive, "backup": RoleOther} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Report)
			b.roles.set(role)
			all := `{"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":true},` + strings.TrimPrefix(following, "{")
			b.put(all)
			b.restart("boot 1")
			b.roles.set(RoleUnknown)
			b.wantDid("before the instance has begun", nil, func() { b.put(all) })
			b.roles.set(role)
			b.wantDid("when it has", nil, b.resync)
			if got := b.Metrics().Writes; got != 0 {
				t.Errorf("the second life wrote %d times, want 0", got)
			}
			b.remove()
			b.wantSysctl(conntrack, 0, "after deleting what the first life made")
		})
	}
}

func TestStoppedAgentOnlyHears(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.roles.set(RoleActive)
	b.put(following)
	b.wantDid("stopping", []string{asBackup, "--stop-daemon master"}, func() {
		if err := b.Rest(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestReleaseAlsoOfAnotherLifePutsEverythingBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	before := b.kernel.String() + b.machine.String()
	b.put(`{"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":true},"connection_sync":{"interface":"eth0"}}`)
	b.restart("boot 1")
	if err := b.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, b.kernel.String()+b.machine.String()); diff != "" {
		t.Errorf("what they were (-want +got):\n%s", diff)
	}
}

func TestRecordOfAnotherBootIsVoid(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.put(`{"sysctls":{"conn_reuse_mode":0}}`)
	// The machine boots, and its own configuration sets another value before the agent is there.
	if err := b.machine.SetSysctl(reuse, 3); err != nil {
		t.Fatal(err)
	}
	b.restart("boot 2")
	b.put(`{"sysctls":{"conn_reuse_mode":0}}`)
	b.wantSysctl(reuse, 0, "after the boot")
	b.remove()
	b.wantSysctl(reuse, 3, "after deleting them")
}

func TestForeignDaemonIsAdoptedOrReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	daemon := *syncDaemons(*settingsOf(t, syncing).ConnectionSync, RoleActive, daemons{}).master
	if err := b.kernel.StartDaemon(t.Context(), daemon); err != nil {
		t.Fatal(err)
	}
	other := daemon
	other.State, other.ID = ipvs.SyncBackup, 9
	if err := b.kernel.StartDaemon(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	b.wantDid("settings without sync", []string{"--set 3600 0 0"}, func() { b.put(`{"timeouts":{"tcp":"1h"}}`) })
	b.wantDid("sync", []string{"--set 900 0 0", "--stop-daemon backup", asBackup}, func() { b.put(syncing) })
}

func TestDaemonIsRestartedOnAnInterfaceThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t, Report)
	b.put(syncing)
	b.wantDid("nothing new", nil, b.resync)
	b.machine.Renew()
	b.wantDid("another eth0", []string{"--stop-daemon master", asMaster, "--stop-daemon backup", asBackup}, b.resync)
	b.wantDid("the same", nil, b.resync)
}

// behind changes what somebody else might.
var behind = []struct {
	name  string
	do    func(*bench)
	drift spec.Drift
}{
	{"ipvsadm --stop-daemon master", func(b *bench) { b.kernel.Edit(func(s *ipvs.Settings) { s.Master = nil }) },
		spec.Drift{Field: "connection_sync.master", Actual: "stopped", Want: "running"}},
	{"ipvsadm --start-daemon backup --syncid 9", func(b *bench) {
		b.kernel.Edit(func(s *ipvs.Settings) { other := *s.Backup; other.ID = 9; s.Backup = &other })
	}, spec.Drift{Field: "connection_sync.backup.sync_id", Actual: "9", Want: "0"}},
	{"ipvsadm --start-daemon master --mcast-interface eth1", func(b *bench) {
		b.kernel.Edit(func(s *ipvs.Settings) { other := *s.Master; other.Interface = "eth1"; s.Master = &other })
	}, spec.Drift{Field: "connection_sync.master.interface", Actual: "eth1", Want: "eth0"}},
	{"ipvsadm --set 100 0 0", func(b *bench) { b.kernel.Edit(func(s *ipvs.Settings) { s.Timeouts.TCP = 100 * time.Second }) },
		spec.Drift{Field: "timeouts.tcp", Actual: "1m40s", Want: "1h0m0s"}},
	{"sysctl -w net.ipv4.vs.conn_reuse_mode=1", func(b *bench) { _ = b.machine.SetSysctl(reuse, 1) },
		spec.Drift{Field: "sysctls.conn_reuse_mode", Actual: "1", Want: "0"}},
	{"sysctl -w net.ipv4.vs.conntrack=0", func(b *bench) { _ = b.machine.SetSysctl(conntrack, 0) },
		spec.Drift{Field: "sysctls.conntrack", Actual: "false", Want: "true"}},
	{"sysctl -w net.ipv4.ip_forward=0", func(b *bench) { _ = b.machine.SetSysctl(forward, 0) },
		spec.Drift{Field: "sysctls.ip_forward", Actual: "false", Want: "true"}},
}

const allSet = `{"timeouts":{"tcp":"1h"},"sysctls":{"conn_reuse_mode":0,"conntrack":true,"ip_forward":true},"connection_sync":{"interface":"eth0"}}`

func TestDriftIsNamedAndRepaired(t *testing.T) {
	t.Parallel()
	for _, tt := range behind {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Repair)
			b.put(allSet)
			want := b.kernel.String() + b.machine.String()
			tt.drift.Kind, tt.drift.Name = spec.KindIPVSSettings, spec.IPVSSettingsKey
			tt.do(b)
			if diff := cmp.Diff([]spec.Drift{tt.drift}, b.drift()); diff != "" {
				t.Errorf("drift (-want +got):\n%s", diff)
			}
			b.resync()
			if diff := cmp.Diff(want, b.kernel.String()+b.machine.String()); diff != "" {
				t.Errorf("repaired (-want +got):\n%s", diff)
			}
			b.resync()
			if diff := cmp.Diff([]spec.Drift{}, b.drift()); diff != "" {
				t.Errorf("drift that is left (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]uint64{tt.drift.Field: 1}, b.Metrics().Drift); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			what := fmt.Sprintf(" ipvs settings default: %s=%s, want %s", tt.drift.Field, tt.drift.Actual, tt.drift.Want)
			if diff := cmp.Diff([]string{"drift_noticed" + what, "drift_repaired" + what}, b.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDriftIsReportedAndLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range behind {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Report)
			b.put(allSet)
			want := b.kernel.String() + b.machine.String()
			tt.drift.Kind, tt.drift.Name = spec.KindIPVSSettings, spec.IPVSSettingsKey
			tt.do(b)
			b.wantDid("a resync", nil, b.resync)
			b.resync()
			if diff := cmp.Diff([]spec.Drift{tt.drift}, b.drift()); diff != "" {
				t.Errorf("drift (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]uint64{tt.drift.Field: 1}, b.Metrics().Drift); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			b.put(allSet) // terraform apply
			if diff := cmp.Diff(want, b.kernel.String()+b.machine.String()); diff != "" {
				t.Errorf("put again (-want +got):\n%s", diff)
			}
			what := fmt.Sprintf(" ipvs settings default: %s=%s, want %s", tt.drift.Field, tt.drift.Actual, tt.drift.Want)
			if diff := cmp.Diff([]string{"drift_noticed" + what, "drift_repaired" + what}, b.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReportStillWritesWhatWeChange(t *testing.T) {
	t.Parallel()
	b := newBench(t, Report)
	b.roles.set(RoleOther)
	b.put(following)
	if err := b.machine.SetSysctl(forward, 1); err != nil { // nobody's business
		t.Fatal(err)
	}
	b.roles.set(RoleActive)
	b.wantDid("taking over", []string{asMaster, "--stop-daemon backup"}, b.resync)
	b.wantSysctl(forward, 1, "what nobody asked for")
}

func TestWhatThisMachineLacksIsSaidInWords(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.machine.Without(conntrack, "eth9")
	want := spec.FieldErrors{
		{Pointer: "/sysctls/conntrack", Detail: "net.ipv4.vs.conntrack is not in this kernel: it was built without CONFIG_IP_VS_NFCT; leave it out"},
		{Pointer: "/connection_sync/interface", Detail: "eth9 does not exist on this director"},
	}
	v := settingsOf(t, `{"sysctls":{"conntrack":true,"sloppy_tcp":true},"connection_sync":{"interface":"eth9"}}`)
	if diff := cmp.Diff(want, b.Check(t.Context(), v)); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
	b.kernel.Break(ipvs.ErrUnavailable)
	want = spec.FieldErrors{{Detail: "this director has no IPVS to set: " + ipvs.ErrUnavailable.Error()}}
	if diff := cmp.Diff(want, b.Check(t.Context(), v)); diff != "" {
		t.Errorf("check without IPVS (-want +got):\n%s", diff)
	}
}

func TestFailureConcernsTheSettingsAndStopsNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	v := settingsOf(t, `{"timeouts":{"tcp":"1h"},"sysctls":{"ip_forward":true},"connection_sync":{"interface":"eth9"}}`)
	b.machine.Without("eth9")
	b.Set(&v)
	var err error
	b.wantDid("without the interface", []string{"--set 3600 0 0"}, func() { err = b.Sync(t.Context()) })
	of, ok := errors.AsType[*spec.ObjectError](err)
	if !ok || of.Kind != spec.KindIPVSSettings || !strings.Contains(err.Error(), "run the master sync daemon: eth9 does not exist") {
		t.Errorf("the error is %v", err)
	}
	b.wantSysctl(forward, 1, "beside the failure")
	if state, _ := b.Status(t.Context()); !strings.Contains(state.Reason, "eth9 does not exist") {
		t.Errorf("the status says %q", state.Reason)
	}
}

// A setting that cannot be had takes nothing away from the others: their drift is noticed and treated by the policy.
func TestASettingThatStaysRefusedChangesNothingForTheOthers(t *testing.T) {
	t.Parallel()
	for policy, want := range map[DriftPolicy]int{Repair: 1, Report: 0} {
		for name, before := range map[string]bool{"from the start on": false, "later": true} {
			t.Run(string(policy)+", "+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, policy)
				b.machine.Without("eth9")
				if before {
					b.put(`{"sysctls":{"ip_forward":true}}`)
				}
				v := settingsOf(t, `{"sysctls":{"ip_forward":true},"connection_sync":{"interface":"eth9"}}`)
				b.Set(&v)
				refused := func() {
					if err := b.pass(t.Context(), whatWeChanged); err == nil {
						t.Error("there is no interface, and no error")
					}
				}
				refused()
				if err := b.machine.SetSysctl(forward, 0); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					refused()
				}
				b.wantSysctl(forward, want, "what somebody else changed")
				if diff := cmp.Diff(map[string]uint64{"sysctls.ip_forward": 1}, b.Metrics().Drift); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestKernelWithoutIPVSIsNoFailureWhileNothingIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.put(`{"sysctls":{"conntrack":true}}`)
	b.kernel.Break(ipvs.ErrUnavailable)
	if err := b.Sync(t.Context()); !errors.Is(err, ipvs.ErrUnavailable) {
		t.Errorf("with settings: %v", err)
	}
	b.remove()
	if left, err := b.ledger.Entries(); len(left) != 0 || err != nil {
		t.Errorf("the record still has %v, %v", left, err)
	}
}

func TestNothingIsWrittenBeforeItIsKnownWhatIsWanted(t *testing.T) {
	t.Parallel()
	b := newBench(t, Repair)
	b.put(allSet)
	b.restart("boot 1")
	b.wantDid("a resync before the first Set", nil, b.resync)
	b.wantSysctl(conntrack, 1, "before the first Set")
}

func TestRunLooksWhenRolesChangeAndFromTimeToTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Repair)
		b.roles.set(RoleOther)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		v := settingsOf(t, following)
		b.Set(&v)
		synctest.Wait()
		b.roles.set(RoleActive)
		b.Trigger()
		synctest.Wait()
		b.kernel.Edit(func(s *ipvs.Settings) { s.Master = nil })
		time.Sleep(DefaultResyncInterval)
		synctest.Wait()
		b.kernel.Break(errors.New("it is broken"))
		time.Sleep(DefaultResyncInterval)
		synctest.Wait()
		b.kernel.Edit(func(s *ipvs.Settings) { s.Master = nil })
		b.kernel.Break(nil)
		time.Sleep(firstRetry)
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		starts := slices.DeleteFunc(b.kernel.Commands(), func(c string) bool { return !strings.Contains(c, "--start-daemon") })
		for i, want := range []string{"backup", "master", "master", "master"} {
			if i >= len(starts) || !strings.Contains(starts[i], "--start-daemon "+want) {
				t.Fatalf("started %q, want backup, and the master three times", starts)
			}
		}
	})
}
