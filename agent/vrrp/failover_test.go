package vrrp_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestFailover_TheOtherIsActiveAndTheAddressGoneWhenItReturns(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d1.set(web(instance(150)))
	d2.set(web(instance(100)))
	eventually(t, "d1 is active", d1.is(spec.InstanceActive))
	eventually(t, "d2 is backup", d2.is(spec.InstanceBackup))

	if err := d1.engine.Failover(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if got := d1.status(); got.State != spec.InstanceBackup || !got.Failover || got.ActiveRouter != "192.0.2.12" || d1.holds() {
		t.Errorf("when it returned: %+v, holds the address: %t", got, d1.holds())
	}
	eventually(t, "d2 is active", d2.is(spec.InstanceActive))
	heard := d1.status().AdvertsReceived
	eventually(t, "d1 heard enough adverts to take over", func() bool { return d1.status().AdvertsReceived > heard+8 })
	if !d1.is(spec.InstanceBackup)() || !d2.is(spec.InstanceActive)() {
		t.Errorf("d1 is %s, d2 is %s", d1.status().State, d2.status().State)
	}

	if err := d1.engine.TakePart("web"); err != nil {
		t.Fatal(err)
	}
	if d1.status().Failover {
		t.Error("the status says that it stays away")
	}
	eventually(t, "d1 is active again", d1.is(spec.InstanceActive))
	eventually(t, "d2 yielded", d2.is(spec.InstanceBackup))

	if err := d1.engine.Failover(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	d2.stop()
	eventually(t, "d1 replaces d2", d1.is(spec.InstanceActive))
	if d1.status().Failover {
		t.Error("the status says that it stays away")
	}
}

func TestFailover_NobodyTakesOver(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	if err := d.engine.Failover(t.Context(), "web"); !errors.Is(err, vrrp.ErrNobodyTookOver) {
		t.Errorf("error %v", err)
	}
	if got := d.status(); !d.is(spec.InstanceActive)() || got.Failover {
		t.Errorf("%+v", got)
	}
	if got := d.machine.Writes(); got != 1 {
		t.Errorf("the address was put or taken %d times, want once", got)
	}
}

func TestFailover_WhatEndsItEndsTheWait(t *testing.T) {
	t.Parallel()
	slow := instance(150)
	for name, end := range map[string]func(d *director){
		"the instance goes":    func(d *director) { d.set(nil) },
		"the interface is bad": func(d *director) { d.machine.SetTrouble("eth0", "interface eth0 is down") },
		"the engine stops":     func(d *director) { d.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
			d.set(web(slow))
			eventually(t, "it is active", d.is(spec.InstanceActive))
			v := slow
			v.AdvertisementInterval = spec.Duration(40 * time.Second)
			d.set(web(v))
			ended := make(chan error, 2)
			for range cap(ended) {
				go func() { ended <- d.engine.Failover(t.Context(), "web") }()
			}
			eventually(t, "it waits", func() bool { return d.status().Failover })
			end(d)
			for range cap(ended) {
				if err := <-ended; errors.Is(err, vrrp.ErrNobodyTookOver) {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}

func TestFailover_OfAnInstanceThatIsNotThere(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	if err := d.engine.Failover(t.Context(), "web"); !errors.Is(err, vrrp.ErrNotRunning) {
		t.Errorf("error %v", err)
	}
	if err := d.engine.TakePart("web"); !errors.Is(err, vrrp.ErrNotRunning) {
		t.Errorf("error %v", err)
	}
}
