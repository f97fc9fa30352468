package vrrp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// deaf is the instance after a change that no router from before it hears.
func deaf(priority int) map[string]spec.VRRPInstance {
	v := instance(priority)
	v.VirtualRouterID++
	return web(v)
}

func TestHoldOnRequest_OneThatIsDeafTakesNoRoleUntilTheEnd(t *testing.T) {
	t.Parallel()
	network := vrrp.NewMemoryNetwork()
	d1 := start(t, network, "192.0.2.11/24", &link.MemoryLedger{})
	d2 := start(t, network, "192.0.2.12/24", &link.MemoryLedger{})
	d1.set(web(instance(150)))
	d2.set(web(instance(100)))
	eventually(t, "d1 is active", d1.is(spec.InstanceActive))
	eventually(t, "d2 is backup", d2.is(spec.InstanceBackup))

	if err := d1.engine.Hold("web", time.Hour); !errors.Is(err, vrrp.ErrActive) || d1.status().Reason != "" {
		t.Errorf("the active one: error %v, %+v", err, d1.status())
	}
	if err := d2.engine.Hold("web", time.Hour); err != nil {
		t.Fatal(err)
	}
	d2.set(deaf(100)) // which restarts it
	sent := d1.status().AdvertsSent
	eventually(t, "d1 sent enough adverts for d2 to take over", func() bool { return d1.status().AdvertsSent > sent+12 })
	if got := d2.status(); got.State != spec.InstanceBackup || got.BecameActive != 0 || !strings.Contains(got.Reason, "held back on request") {
		t.Errorf("d2 is %+v", got)
	}

	d1.set(deaf(150))
	eventually(t, "d1 is active again", d1.is(spec.InstanceActive))
	d2.engine.EndHold("web")
	eventually(t, "d2 hears d1", func() bool { return d2.status().ActiveRouter == "192.0.2.11" })
	if got := d2.status(); got.BecameActive != 0 || got.Reason != "" {
		t.Errorf("d2 is %+v", got)
	}
	d1.stop()
	eventually(t, "d2 takes over", d2.is(spec.InstanceActive))
}

func TestHoldOnRequest_EndsByItself(t *testing.T) {
	t.Parallel()
	const hold = time.Second
	d := start(t, vrrp.NewMemoryNetwork(), "192.0.2.11/24", &link.MemoryLedger{})
	began := time.Now()
	if err := d.engine.Hold("web", hold); err != nil {
		t.Fatal(err)
	}
	d.set(web(instance(150)))
	eventually(t, "it is active", d.is(spec.InstanceActive))
	if waited := time.Since(began); waited < hold {
		t.Errorf("it waited %s, want %s at least", waited, hold)
	}
}
