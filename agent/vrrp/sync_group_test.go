package vrrp_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// inside and outside are two sides of a router: one without the other is of no use.
func sides(priority int) map[string]spec.VRRPInstance {
	inside, outside := instance(priority), instance(priority)
	inside.SyncGroup, outside.SyncGroup = "router", "router"
	inside.Interface, inside.VirtualRouterID = "eth1", 52
	inside.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.1/24")}
	return map[string]spec.VRRPInstance{"inside": inside, "outside": outside}
}

// are tells whether both sides are in that state.
func (d *director) are(state spec.InstanceState) func() bool {
	return func() bool {
		status := d.engine.Status()
		return status["inside"].State == state && status["outside"].State == state
	}
}

func TestEngine_ASyncGroupMovesAsOne(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d1.machine.SetOwn("eth1", netip.MustParsePrefix("198.51.100.11/24"))
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d2.machine.SetOwn("eth1", netip.MustParsePrefix("198.51.100.12/24"))
	d1.set(sides(150))
	d2.set(sides(100))
	eventually(t, "d1 is active", d1.are(spec.InstanceActive))
	eventually(t, "d2 is backup", d2.are(spec.InstanceBackup))
	if got := d1.engine.Status()["inside"].SyncGroup; got != spec.SyncGroupComplete {
		t.Errorf("the group is %q", got)
	}

	d1.machine.SetTrouble("eth1", "interface eth1 is down")
	eventually(t, "d1 is in fault", d1.are(spec.InstanceFault))
	if got, want := d1.engine.Status()["outside"].Reason, `sync group "router": VRRP instance "inside": interface eth1 is down`; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	eventually(t, "d2 is active", d2.are(spec.InstanceActive))
	d1.machine.SetTrouble("eth1", "")
	eventually(t, "d1 is active again", d1.are(spec.InstanceActive))
	eventually(t, "d2 yielded", d2.are(spec.InstanceBackup))

	// What makes one of them worse makes all of them worse.
	worse := sides(150)
	inside := worse["inside"]
	inside.Priority = 50
	worse["inside"] = inside
	d1.set(worse)
	eventually(t, "d2 is active, because one of d1's is worse", d2.are(spec.InstanceActive))
	if got := d1.engine.Status()["outside"].EffectivePriority; got != 50 {
		t.Errorf("effective priority %d, want 50", got)
	}
	d1.set(sides(150))
	eventually(t, "d1 is active again", d1.are(spec.InstanceActive))

	if err := d1.engine.Failover(t.Context(), "inside"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all of it failed over", func() bool { return d1.are(spec.InstanceBackup)() && d2.are(spec.InstanceActive)() })
	if err := d1.engine.TakePart("outside"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d1 is active again", d1.are(spec.InstanceActive))
}

func TestEngine_ASyncGroupWithOneMemberIsIncompleteAndWorks(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	all := sides(150)
	d.set(map[string]spec.VRRPInstance{"outside": all["outside"]})
	eventually(t, "it is active", func() bool { return d.engine.Status()["outside"].State == spec.InstanceActive })
	if got := d.engine.Status()["outside"].SyncGroup; got != spec.SyncGroupIncomplete {
		t.Errorf("the group is %q", got)
	}
	d.set(all)
	if got := d.engine.Status()["outside"]; got.SyncGroup != spec.SyncGroupComplete || got.State != spec.InstanceActive {
		t.Errorf("with another member: %+v", got)
	}
	eventually(t, "the other joins", d.are(spec.InstanceActive))
	if got := d.engine.Status()["outside"]; got.BecameActive != 1 {
		t.Errorf("the first left its role: %+v", got)
	}
	eventually(t, "the other's address is there", func() bool { return strings.Contains(d.machine.String(), "198.51.100.1/24") })
}
