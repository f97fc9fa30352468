package balance

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestWeightGrowsInAStraightLine(t *testing.T) {
	t.Parallel()
	since := time.Unix(0, 0)
	var got []int
	for _, passed := range []time.Duration{-time.Second, 0, time.Second, 15 * time.Second, 29999 * time.Millisecond, 30 * time.Second} {
		is, _ := warm(since, since.Add(passed), 30*time.Second, 101)
		got = append(got, is.weight)
	}
	if diff := cmp.Diff([]int{1, 1, 4, 51, 100, 0}, got); diff != "" {
		t.Errorf("weights (-want +got):\n%s", diff)
	}
	if _, warms := warm(since, since, 30*time.Second, 1); warms {
		t.Error("a weight of 1 has nothing to grow")
	}
	if is, _ := warm(since, since.Add(59*time.Minute), time.Hour, spec.MaxWeight); is.weight != 64442 {
		t.Errorf("the largest weight has grown to %d", is.weight)
	}
}

func slowly(v *spec.VirtualServer) { v.SlowStart = spec.Duration(30 * time.Second) }

func TestServerThatComesUpStartsSlowly(t *testing.T) {
	weightOf := func(d *director, server string) uint32 {
		table, _, _ := d.table.Read(d.t.Context())
		return table[tcp("192.0.2.100:80")].Destinations[netip.MustParseAddrPort(server)].Weight
	}
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.table.Edit(func(table ipvs.Table) {
			table[tcp("192.0.2.100:80")] = ipvs.Service{
				Options: ipvs.Options{Scheduler: "wrr"}, Destinations: map[netip.AddrPort]ipvs.Destination{
					netip.MustParseAddrPort(a): {Forwarding: ipvs.DirectRouting, Weight: 100},
				},
			}
		})
		d.health.set(a, Up)
		d.Set(with(web(a, 100, b, 100), slowly))
		synctest.Wait()
		if got := weightOf(d, a); got != 100 {
			t.Errorf("a server that was in when the agent started has weight %d", got)
		}
		d.health.set(b, Up)
		d.Trigger()
		synctest.Wait()
		if got := weightOf(d, b); got != 1 {
			t.Errorf("a server that has come up has weight %d", got)
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if got := weightOf(d, b); got < 45 || got > 55 {
			t.Errorf("after half of the time it has weight %d", got)
		}
		if _, _, drift := d.Status(t.Context()); len(drift) != 0 {
			t.Errorf("drift: %v", drift)
		}
		d.health.set(b, Down)
		d.Trigger()
		synctest.Wait()
		if got := weightOf(d, b); got != 0 {
			t.Errorf("when it fails meanwhile it has weight %d", got)
		}
		d.health.set(b, Up)
		d.Trigger()
		synctest.Wait()
		if got := weightOf(d, b); got != 1 {
			t.Errorf("it begins anew with weight %d", got)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if got := weightOf(d, b); got != 100 {
			t.Errorf("in the end it has weight %d", got)
		}
		d.writes(0, func() { time.Sleep(10 * time.Second) })
	})
}

// What was restarted in the meantime is as cold as what has failed.
func TestServerThatRestedStartsSlowly(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.health.set(a, Up)
		d.health.set(b, Up)
		want := with(web(a, 1, b, 100), slowly)
		d.Set(want)
		time.Sleep(time.Minute)
		weight := func(want uint32, when string) {
			synctest.Wait()
			if _, is := d.weights("192.0.2.100:80"); is != want {
				t.Errorf("%s it has weight %d, want %d", when, is, want)
			}
		}
		weight(100, "after a minute")
		d.Set(resting(want))
		time.Sleep(time.Hour)
		weight(0, "under maintenance")
		d.Set(want)
		weight(1, "after maintenance")
		time.Sleep(time.Minute)
		weight(100, "a minute later")
		none := want.Clone()
		none.RealServers.Put(server(b), spec.RealServer{})
		d.Set(none)
		weight(0, "at weight 0")
		d.Set(want)
		weight(1, "when it has a weight again")
		time.Sleep(time.Minute)
		weight(100, "in the end")
	})
}

func TestServerSaysForItselfHowSlowlyItStarts(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		want := with(web(a, 100, b, 100), slowly)
		none := spec.Duration(0)
		want.RealServers.Put(server(a), spec.RealServer{Weight: 100, SlowStart: &none})
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Set(want)
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 100", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1")
	})
}
