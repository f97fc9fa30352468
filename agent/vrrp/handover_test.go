package vrrp_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Who is suspended for long is not missed: its adverts go on until the next process sends them.
func TestEngine_AdvertsGoOnHoweverLongTheNextOneTakes(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	traces, err := vrrp.OpenTraces(filepath.Join(t.TempDir(), "traces"))
	if err != nil {
		t.Fatal(err)
	}
	d.engine.Traces = traces
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	peer.set(web(instance(100)))
	eventually(t, "its peer follows", func() bool { return peer.status().ActiveRouter == "192.0.2.11" })
	next := d.successor(web(instance(150)))
	h, err := d.engine.Suspend()
	if err != nil {
		t.Fatal(err)
	}
	heard := peer.status().AdvertsReceived
	eventually(t, "the one that is suspended is heard", func() bool { return peer.status().AdvertsReceived > heard+10 })
	settle, err := next.engine.TakeOver(h)
	if err != nil {
		t.Fatal(err)
	}
	settle()
	eventually(t, "the next one sends", func() bool { return next.status().AdvertsSent > 1 })
	sent := d.status().AdvertsSent
	eventually(t, "the next one sends more", func() bool { return next.status().AdvertsSent > 10 })
	if got := d.status().AdvertsSent; got > sent {
		t.Errorf("both sent: the one that is suspended %d adverts more", got-sent)
	}
	d.stop()
	if got := next.status(); got.State != spec.InstanceActive {
		t.Errorf("%+v", got)
	}
	stays(t, peer, spec.InstanceBackup)
}

// successor runs another engine on the machine, which awaits the first one's instances and has been told of them.
func (d *director) successor(instances map[string]spec.VRRPInstance) *director {
	d.t.Helper()
	next := *d
	next.events = &recorder{}
	config := d.engine.Config
	config.Publish = next.events.publish
	next.engine = vrrp.NewEngine(config)
	awaiting := next.engine.Await()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- next.engine.Run(ctx) }()
	next.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("run the successor: %v", err)
		}
	})
	d.t.Cleanup(next.stop)
	<-awaiting
	next.set(instances)
	return &next
}

// handOver has the successor go on, as from one process to the next.
func (d *director) handOver(next *director) {
	d.t.Helper()
	h, err := d.engine.Suspend()
	if err != nil {
		d.t.Fatal(err)
	}
	data, err := spec.Encode(h)
	if err != nil {
		d.t.Fatal(err)
	}
	var got vrrp.Handover
	if err := spec.Decode(data, &got); err != nil {
		d.t.Fatal(err)
	}
	settle, err := next.engine.TakeOver(got)
	if err != nil {
		d.t.Fatal(err)
	}
	settle()
}

// stays has a backup that says so when it ever hears that nobody is active.
func stays(t *testing.T, backup *director, state spec.InstanceState) {
	t.Helper()
	for _, e := range backup.events.of(spec.EventStateChanged) {
		if e.State.To != string(state) && e.State.From != string(spec.InstanceInitialize) {
			t.Errorf("%s went from %s to %s", e.Name, e.State.From, e.State.To)
		}
	}
}

func TestEngine_AnActiveInstanceIsHandedOverWithoutAWord(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	instances := web(steady(150))
	d.set(instances)
	peer.set(web(steady(100)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	eventually(t, "its peer follows", func() bool { return peer.status().ActiveRouter == "192.0.2.11" })
	eventually(t, "the address was announced", func() bool { return len(d.machine.Announced()) > 0 })
	before, writes := d.status(), d.machine.Writes()

	for range 3 {
		next := d.successor(instances)
		if got := next.status().State; got != spec.InstanceInitialize {
			t.Fatalf("it is %s before anything was handed over", got)
		}
		d.handOver(next)
		d.stop()
		heard := peer.status().AdvertsReceived
		eventually(t, "the successor's adverts are heard", func() bool { return peer.status().AdvertsReceived > heard+1 })
		d = next
	}
	after := d.status()
	if diff := cmp.Diff(before.VRRPInstanceState, after.VRRPInstanceState); diff != "" {
		t.Errorf("its state (-before +after):\n%s", diff)
	}
	if got := d.machine.Writes(); got != writes || !d.holds() {
		t.Errorf("%d writes to the machine's addresses, which are now\n%s", got-writes, d.machine)
	}
	if got := d.events.of(spec.EventStateChanged); len(got) > 0 {
		t.Errorf("the successor told of transitions: %v", got)
	}
	if got := peer.status(); got.BecameActive > 0 || got.ActiveRouter != "192.0.2.11" {
		t.Errorf("the peer noticed: %+v", got)
	}
	stays(t, peer, spec.InstanceBackup)
}

func TestEngine_ABackupIsHandedOverAndTakesOverInTime(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	peer.set(web(instance(200)))
	eventually(t, "the peer is active", peer.is(spec.InstanceActive))
	d.set(web(instance(100)))
	eventually(t, "it follows", func() bool { return d.status().ActiveRouter == "192.0.2.12" })
	next := d.successor(web(instance(100)))
	d.handOver(next)
	d.stop()
	eventually(t, "it still follows", func() bool { return next.status().AdvertsReceived > 2 })
	if got := next.status(); got.State != spec.InstanceBackup || got.ActiveRouter != "192.0.2.12" {
		t.Errorf("%+v", got)
	}
	peer.stop()
	eventually(t, "it took over", next.is(spec.InstanceActive))
}

func TestEngine_WhatAnOperatorAskedForIsHandedOver(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	peer.set(web(instance(100)))
	eventually(t, "its peer follows", func() bool { return peer.status().ActiveRouter == "192.0.2.11" })
	if err := d.engine.Failover(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	next := d.successor(web(instance(150)))
	d.handOver(next)
	d.stop()
	heard := next.status().AdvertsReceived
	eventually(t, "it hears its peer", func() bool { return next.status().AdvertsReceived > heard+10 })
	if got := next.status(); got.State != spec.InstanceBackup || !got.Failover {
		t.Errorf("it does not stay away: %+v", got)
	}
	if err := next.engine.TakePart("web"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it takes part again", next.is(spec.InstanceActive))
}

func TestEngine_GoesOnWhereNobodyTookOver(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d.set(web(steady(150)))
	peer.set(web(steady(100)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	next := d.successor(web(steady(150)))
	if _, err := d.engine.Suspend(); err != nil {
		t.Fatal(err)
	}
	next.stop()
	if !d.holds() {
		t.Fatalf("a successor that took nothing over took the address away:\n%s", d.machine)
	}
	d.engine.Continue()
	heard := peer.status().AdvertsReceived
	eventually(t, "its adverts are heard", func() bool { return peer.status().AdvertsReceived > heard+1 })
	if got := d.status(); got.State != spec.InstanceActive || got.BecameActive != 1 {
		t.Errorf("%+v", got)
	}
	stays(t, peer, spec.InstanceBackup)
	d.stop()
	eventually(t, "it still stops in order", peer.is(spec.InstanceActive))
}

func TestEngine_WhoeverIsHandedNothingGoesOnAsAfterACrash(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	next := d.successor(web(instance(150)))
	if _, err := d.engine.Suspend(); err != nil {
		t.Fatal(err)
	}
	settle, err := next.engine.TakeOver(vrrp.Handover{})
	if err != nil {
		t.Fatal(err)
	}
	settle()
	eventually(t, "it is active", next.is(spec.InstanceActive))
	if _, err := next.engine.TakeOver(vrrp.Handover{}); err == nil {
		t.Error("it takes over twice")
	}
}
