package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestStatusIsPrintedAsTables(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	status := spec.Status{
		Name: "d1", Version: "1.0.0", Dataplane: "kernel", Revision: 17,
		IPVS: spec.IPVSStatus{Available: true, Version: "1.2.1"},
		VRRPInstances: map[string]spec.VRRPInstanceStatus{"web": {VRRPInstanceState: spec.VRRPInstanceState{
			State: spec.InstanceActive, EffectivePriority: 150, Since: now.Add(-90 * time.Second), ActiveRouter: "192.0.2.11",
		}, Warnings: []string{"two_owners: another one", "version: another one"}}, "mail": {VRRPInstanceState: spec.VRRPInstanceState{
			State: spec.InstanceBackup, EffectivePriority: 100, Since: now.Add(-time.Second), Reason: "waits for web",
		}}},
		VirtualServers: map[string]spec.VirtualServerStatus{"web": {
			VirtualServerState: spec.VirtualServerState{State: spec.ServiceUp, LiveWeight: 1},
			RealServers: map[string]spec.RealServerStatus{
				"192.0.2.22:80": {RealServerState: spec.RealServerState{Reason: "connection refused"}},
				"192.0.2.23:80": {
					RealServerState: spec.RealServerState{Healthy: true, Drain: &spec.DrainState{Kind: spec.DrainRemoval, Deadline: now.Add(12 * time.Second)}},
					ConnectionsLeft: 2, ActiveConnections: 2,
				},
				"192.0.2.24:80": {RealServerState: spec.RealServerState{Healthy: true, Drain: &spec.DrainState{Kind: spec.DrainMaintenance}}},
				"192.0.2.21:80": {RealServerState: spec.RealServerState{Healthy: true, Weight: 1}, ActiveConnections: 3},
			},
		}},
		CheckScripts: map[string]spec.CheckScriptStatus{"gateway": {CheckScriptState: spec.CheckScriptState{Passing: true}, Runs: 8, Failures: 1}},
		IPVSSettings: spec.IPVSSettingsState{Backup: &spec.SyncDaemon{Interface: "eth0", SyncID: 7, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848}},
		Drift: []spec.Drift{{Kind: spec.KindIPVSSettings, Field: "timeouts.tcp", Actual: "15m0s", Want: "1h0m0s"},
			{Kind: spec.KindRealServer, Name: "web", Server: "192.0.2.22:80", Field: "weight", Actual: "9", Want: "1"},
			{Kind: spec.KindVRRPInstance, Name: "web", Field: "virtual_addresses", Actual: "without 192.0.2.100/24", Want: "192.0.2.100/24", Repaired: now.Add(-3 * time.Second)}},
	}
	want := `d1  lvs-agent 1.0.0, kernel data plane, IPVS 1.2.1, revision 17

VRRP INSTANCE  STATE   PRIORITY  SINCE  ACTIVE ROUTER  REASON
mail           backup  100       1s     -              waits for web
web            active  150       1m30s  192.0.2.11

VRRP INSTANCE  WARNING
web            two_owners: another one
web            version: another one

VIRTUAL SERVER  REAL SERVER    STATE                            WEIGHT  ACTIVE  INACTIVE  LAST CHECK
web                            up                               1
                192.0.2.21:80  healthy                          1       3       0
                192.0.2.22:80  unhealthy                        0       0       0         connection refused
                192.0.2.23:80  leaving, 2 left, at most 12s     0       2       0
                192.0.2.24:80  healthy, in maintenance, 0 left  0       0       0

CHECK SCRIPT  STATE    RUNS  FAILURES  LAST RUN
gateway       passing  8     1

SYNC DAEMON  INTERFACE  ID  GROUP       PORT
backup       eth0       7   224.0.0.81  8848

DRIFT          SERVER         FIELD              ACTUAL                  WANT            REPAIRED
ipvs settings  -              timeouts.tcp       15m0s                   1h0m0s          no
web            192.0.2.22:80  weight             9                       1               no
web            -              virtual_addresses  without 192.0.2.100/24  192.0.2.100/24  3s ago
`
	var got strings.Builder
	if err := printStatus(&got, status, now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, trimLines(got.String())); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestFailoverSaysHowItIsUndone(t *testing.T) {
	t.Parallel()
	status := spec.VRRPInstanceStatus{VRRPInstanceState: spec.VRRPInstanceState{State: spec.InstanceBackup, Failover: true, ActiveRouter: "192.0.2.12"}}
	var got strings.Builder
	printFailover(&got, "web", status)
	want := "web is backup here and stays away until the other leaves, or: lvs-agent failover --undo web\nactive router: 192.0.2.12\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("failover: stays away", why(status)); diff != "" {
		t.Errorf("reason in the table (-want +got):\n%s", diff)
	}
}

// trimLines takes the white space off the ends of lines, where it shows nothing.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
