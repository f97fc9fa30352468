package wiretest

import (
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestWire_56_AFailoverLeavesNoGapAndHolds(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	a := d1.ask(request{Failover: "web"})
	// What it answers is what is: the other one has the address, and it has not.
	if got := a.Status["web"]; a.Error != "" || got.State != spec.InstanceBackup || !got.Failover || got.ActiveRouter != "192.0.2.12" {
		t.Errorf("answered %q, %+v", a.Error, got)
	}
	if carries(t, d1.host, virtual) {
		t.Error("d1 has the address still")
	}
	roles(t, d2, d1)
	heard := d1.status().AdvertsReceived
	eventually(t, "d1 heard enough adverts to take over", func() bool { return d1.status().AdvertsReceived > heard+8 })
	roles(t, d2, d1)
	d2.kill()
	eventually(t, "d1 replaces d2", func() bool { return d1.is(spec.InstanceActive) })
	if a := d1.ask(request{Failover: "web"}); a.Error != "nobody took over" || a.Status["web"].State != spec.InstanceActive || !carries(t, d1.host, virtual) {
		t.Errorf("answered %q, %+v", a.Error, a.Status["web"])
	}
}

func TestKeepalived_77_AFailoverGoesToKeepalivedAndComesBack(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	peer := n.Host(t, "peer", "192.0.2.12/24")
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	v := instance(200)
	v.ChecksumCompatibility = spec.ChecksumRFC5798
	d.set(web(v))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	k := startKeepalived(t, peer, 100)
	awaitLog(t, k, "Entering BACKUP STATE")
	a := d.ask(request{Failover: "web"})
	if got := a.Status["web"]; a.Error != "" || got.State != spec.InstanceBackup || got.ActiveRouter != "192.0.2.12" {
		t.Fatalf("answered %q, %+v", a.Error, got)
	}
	eventually(t, "keepalived has the address", func() bool { return carries(t, peer, virtual) && d.is(spec.InstanceBackup) })
	if err := k.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it took over from one that stopped", func() bool { return d.is(spec.InstanceActive) })
}
