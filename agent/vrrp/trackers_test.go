package vrrp_test

import (
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestEngine_TrackedInterfacesMoveThePriority(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	priority := func(want int) func() bool {
		return func() bool { return d.status().EffectivePriority == want }
	}
	v := instance(150)
	v.TrackInterfaces = map[string]spec.Track{"eth1": {Weight: -60}, "eth2": {Weight: 20}, "eth3": {Weight: 7, Inverse: true}}
	d.set(web(v))
	eventually(t, "all are up", priority(163))
	d.machine.SetTrouble("eth1", "interface eth1 has no carrier")
	eventually(t, "eth1 is not", priority(103))
	d.machine.SetTrouble("eth2", "interface eth2 is down")
	eventually(t, "neither is eth2", priority(83))
	d.machine.SetTrouble("eth3", "interface eth3 is down")
	eventually(t, "nor is eth3", priority(90))

	v.TrackInterfaces = map[string]spec.Track{"eth1": {}}
	d.set(web(v))
	eventually(t, "it is in fault", d.is(spec.InstanceFault))
	if got := d.status().Reason; got != "interface eth1 has no carrier" {
		t.Errorf("reason %q", got)
	}
	d.machine.SetTrouble("eth1", "")
	eventually(t, "it is active", d.is(spec.InstanceActive))
	v.TrackInterfaces = map[string]spec.Track{"eth1": {Inverse: true}}
	d.set(web(v))
	eventually(t, "it is in fault", d.is(spec.InstanceFault))
	if got := d.status().Reason; got != "interface eth1 is up" {
		t.Errorf("reason %q", got)
	}
}

func TestEngine_TrackedVirtualServersMoveThePriority(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	priority := func(want int) func() bool {
		return func() bool { return d.status().EffectivePriority == want }
	}
	v := instance(150)
	v.TrackVirtualServers = map[string]spec.Track{"web": {Weight: -60}, "dns": {Weight: 20}}
	d.set(web(v))
	eventually(t, "nothing is known", priority(150))
	say := func(name string, up bool) {
		d.services.set(name, up)
		d.engine.Trigger()
	}
	say("dns", true)
	eventually(t, "dns is up", priority(170))
	say("web", false)
	eventually(t, "web is down", priority(110))
	d.services.forget("web")
	d.services.forget("dns")
	d.engine.Trigger()
	d.set(web(v))
	if !priority(110)() {
		t.Errorf("the last verdicts did not hold: priority %d", d.status().EffectivePriority)
	}

	v.TrackVirtualServers = map[string]spec.Track{"mail": {}}
	d.set(web(v))
	if got := d.status(); got.State != spec.InstanceFault || got.Reason != `virtual server "mail" has not been checked yet` {
		t.Errorf("%s, %q", got.State, got.Reason)
	}
	say("mail", true)
	eventually(t, "it is active", d.is(spec.InstanceActive))
	say("mail", false)
	eventually(t, "it is in fault", d.is(spec.InstanceFault))
	if got := d.status().Reason; got != `virtual server "mail" is down` {
		t.Errorf("reason %q", got)
	}
}
