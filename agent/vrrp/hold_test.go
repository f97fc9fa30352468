package vrrp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// awaiting starts an engine that waits for verdicts, at most that long.
func awaiting(t *testing.T, network vrrp.Network, atMost time.Duration) *director {
	t.Helper()
	d := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d.engine.StartupHold = atMost
	d.services.set("awaited", true)
	return d
}

func TestHold_NobodyIsPreemptedBeforeTheVerdicts(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	peer := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	peer.set(web(instance(100)))
	eventually(t, "the peer is active", peer.is(spec.InstanceActive))
	d := awaiting(t, network, time.Hour)
	d.set(web(instance(150)))
	eventually(t, "it heard enough adverts to take over", func() bool { return d.status().AdvertsReceived > 8 })
	if !d.is(spec.InstanceBackup)() || peer.status().BecameActive != 1 {
		t.Errorf("it is %s, the peer %s", d.status().State, peer.status().State)
	}
	if got, want := d.status().Reason, "waits for the first verdicts on mail, web, until "; !strings.HasPrefix(got, want) {
		t.Errorf("reason %q, want %q and a time", got, want)
	}
	d.services.set("awaited", false)
	d.engine.Trigger()
	eventually(t, "it is active", d.is(spec.InstanceActive))
	if got := d.status().Reason; got != "" {
		t.Errorf("reason %q of an active one", got)
	}

	// It waits once: what is awaited later takes no role away, nor keeps one from coming back.
	d.services.set("awaited", true)
	d.engine.Trigger()
	d.machine.SetTrouble("eth0", "interface eth0 is down")
	eventually(t, "it is in fault", d.is(spec.InstanceFault))
	d.machine.SetTrouble("eth0", "")
	eventually(t, "it is active again", d.is(spec.InstanceActive))
}

func TestHold_NobodyTakesOverBeforeTheVerdictsNorWaitsForEver(t *testing.T) {
	t.Parallel()
	const hold = time.Second
	d := awaiting(t, vrrp.NewMemoryNetwork(), hold)
	began := time.Now()
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	if waited := time.Since(began); waited < hold {
		t.Errorf("it waited %s, want %s at least", waited, hold)
	}
}
