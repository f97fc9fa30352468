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
