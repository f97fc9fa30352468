package vrrp_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// story renders what happened to instances: "initialize -> backup", "failover_begun".
func (r *recorder) story() string {
	var words []string
	for _, e := range r.of(spec.EventStateChanged, spec.EventFailoverBegun, spec.EventFailoverEnded) {
		if e.State == nil {
			words = append(words, string(e.Type))
			continue
		}
		words = append(words, fmt.Sprintf("%s -> %s", e.State.From, e.State.To))
	}
	return strings.Join(words, ", ")
}

func TestPublish_TransitionsAndFailoversInTheirOrder(t *testing.T) {
	t.Parallel()
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	if err := d.engine.Failover(t.Context(), "web"); err == nil {
		t.Fatal("somebody took over")
	}
	d.machine.SetTrouble("eth0", "interface eth0 is down")
	eventually(t, "it is in fault", d.is(spec.InstanceFault))
	d.stop()
	want := "initialize -> backup, backup -> active, failover_begun, active -> initialize, initialize -> active, failover_ended, " +
		"active -> fault, fault -> initialize"
	if diff := cmp.Diff(want, d.events.story()); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
	changes := d.events.of(spec.EventStateChanged)
	if diff := cmp.Diff(spec.Event{Type: spec.EventStateChanged, Kind: spec.KindVRRPInstance, Name: "web",
		State: &spec.StateChange{From: "backup", To: "active", EffectivePriority: 150, ActiveRouter: "192.0.2.11"}}, changes[1]); diff != "" {
		t.Errorf("became active (-want +got):\n%s", diff)
	}
	if got := changes[4].Reason; got != "interface eth0 is down" {
		t.Errorf("the reason of the fault is %q", got)
	}
}

func TestPublish_OddityOnce(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d1.set(web(instance(150)))
	other := instance(100)
	other.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.200/24")}
	d2.set(web(other))
	eventually(t, "d2 has seen many", func() bool { return d2.status().Oddities["address_list"] > 3 })
	want := []spec.Event{{Type: spec.EventOdditySeen, Kind: spec.KindVRRPInstance, Name: "web", Reason: d2.events.of(spec.EventOdditySeen)[0].Reason,
		Oddity: &spec.OddityEvent{Oddity: "address_list", Source: "192.0.2.11"}}}
	if diff := cmp.Diff(want, d2.events.of(spec.EventOdditySeen)); diff != "" {
		t.Errorf("oddities (-want +got):\n%s", diff)
	}
}
