package balance

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// succeed is what happens to an agent in whose place another process goes on.
func (d *director) succeed(policy DriftPolicy, want spec.Desired) {
	d.t.Helper()
	h, err := d.Suspend(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	data, err := spec.Encode(h)
	if err != nil {
		d.t.Fatal(err)
	}
	var handed Handover
	if err := spec.Decode(data, &handed); err != nil {
		d.t.Fatal(err)
	}
	d.stop()
	d.start(d.t, policy)
	d.TakeOver(handed)
	d.Want(want)
	if err := d.Resync(d.t.Context()); err != nil {
		d.t.Error(err)
	}
}

func TestWeightThatGrowsGoesOnGrowingInTheNextProcess(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		want := with(web(a, 100, b, 100), slowly)
		d.Set(want)
		synctest.Wait()
		d.health.set(a, Up)
		d.Trigger()
		synctest.Wait()
		time.Sleep(15 * time.Second)
		synctest.Wait()
		weight := func() uint32 {
			table, _, _ := d.table.Read(d.t.Context())
			return table[tcp("192.0.2.100:80")].Destinations[netip.MustParseAddrPort(a)].Weight
		}
		before := weight()
		d.writes(0, func() { d.succeed(Repair, want) })
		if got := weight(); got != before || got < 45 || got > 55 {
			t.Errorf("weight %d became %d", before, got)
		}
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if got := weight(); got != 100 {
			t.Errorf("in the end it has weight %d", got)
		}
	})
}

// Under the policy Report a process that begins undoes what somebody changed while there was none. One that goes on in
// another's place was always there.
func TestDriftThatIsOnlyReportedIsLeftToTheNextProcess(t *testing.T) {
	onDirector(t, Report, func(_ *testing.T, d *director) {
		want := web(a, 1)
		d.health.set(a, Up)
		d.Set(want)
		synctest.Wait()
		d.operator("192.0.2.100:80", a, 9)
		d.writes(0, func() { d.succeed(Report, want) })
		d.writes(0, func() { time.Sleep(time.Minute) })
		if got := d.drift(); len(got) != 1 {
			t.Errorf("drift: %v", got)
		}
		d.writes(1, func() { d.restart(Report); d.Set(want) })
	})
}

func TestBalancerThatIsSuspendedWritesNothing(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(web(a, 1))
		synctest.Wait()
		if _, err := d.Suspend(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.writes(0, func() { d.health.set(a, Up); d.Trigger("web"); time.Sleep(time.Minute) })
		d.writes(1, d.Continue)
	})
}
