package vrrp_test

import (
	"path/filepath"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// An agent that is started knows no verdict yet. What its predecessor knew counts until then.
func TestEngine_TheVerdictsOfThePredecessorCountUntilTheNext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "traces")
	begin := func() *director {
		d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
		traces, err := vrrp.OpenTraces(path)
		if err != nil {
			t.Fatal(err)
		}
		d.engine.Traces = traces
		return d
	}
	v := instance(150)
	v.TrackScripts = map[string]spec.Track{"gateway": {}, "disk": {Weight: -30}}
	v.TrackVirtualServers = map[string]spec.Track{"mail": {Weight: -20}}
	d := begin()
	d.scripts.set("gateway", true)
	d.scripts.set("disk", false)
	d.services.set("mail", false)
	d.set(web(v))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	d.stop()

	d = begin()
	d.set(web(v))
	eventually(t, "it takes part", func() bool { return d.status().State != spec.InstanceInitialize })
	if got := d.status(); got.State == spec.InstanceFault || got.EffectivePriority != 100 {
		t.Errorf("%s (%s) with priority %d, want backup with 100", got.State, got.Reason, got.EffectivePriority)
	}
	d.scripts.set("gateway", false)
	d.scripts.set("disk", true)
	d.engine.Trigger()
	eventually(t, "the next verdicts count", func() bool {
		got := d.status()
		return got.Reason == `check script "gateway" fails` && got.EffectivePriority == 130
	})
	d.stop()

	d = begin()
	d.set(web(v))
	eventually(t, "it takes part", func() bool { return d.status().State != spec.InstanceInitialize })
	if got := d.status(); got.Reason != `check script "gateway" fails` {
		t.Errorf("a failure is forgotten: %s, %q", got.State, got.Reason)
	}
	// What nobody tracks any more is forgotten.
	d.set(web(instance(150)))
	d.set(web(v))
	if got := d.status(); got.Reason != `check script "gateway" has not run yet` {
		t.Errorf("after it was not tracked: %s, %q", got.State, got.Reason)
	}
}
