package wiretest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// The backup's own interval is so short that it would take over between two adverts if it went by that.
func TestWire_54_ABackupFollowsTheIntervalThatItIsTold(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d1 := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d2 := startDirector(t, n.Host(t, "d2", "192.0.2.12/24"))
	at := func(interval time.Duration) map[string]spec.VRRPInstance {
		v := instance(150)
		v.AdvertisementInterval = spec.Duration(interval)
		return web(v)
	}
	d1.set(at(time.Second))
	eventually(t, "d1 is active", func() bool { return d1.is(spec.InstanceActive) })
	wire.await(t, "an advert", 0, isAdvert)
	d2.set(web(steady(100)))
	roles(t, d1, d2)
	eventually(t, "d2 has heard d1", func() bool { return d2.status().ActiveRouter == "192.0.2.11" })
	d2.set(web(instance(100)))
	for _, interval := range []time.Duration{time.Second, 100 * time.Millisecond, 3 * time.Second} {
		mark := wire.mark()
		d1.set(at(interval))
		telling := advertFrom("192.0.2.11", func(message []byte) bool {
			return time.Duration(binary.BigEndian.Uint16(message[4:]))*10*time.Millisecond == interval
		})
		eventually(t, "three adverts tell "+interval.String(), func() bool { return len(wire.since(mark, telling)) >= 3 })
	}
	if all := wire.since(0, advertFrom("192.0.2.12", anyAdvert)); len(all) > 0 {
		t.Errorf("the backup sent adverts: %x", all)
	}
	if s := d2.status(); s.State != spec.InstanceBackup || s.BecameActive != 0 {
		t.Errorf("d2: %+v", s)
	}
	if s := d1.status(); s.State != spec.InstanceActive || s.BecameActive != 1 {
		t.Errorf("d1: %+v", s)
	}
}
