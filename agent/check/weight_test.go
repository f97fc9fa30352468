package check

import (
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestWeightIsThatOfTheLastPass(t *testing.T) {
	t.Parallel()
	byWeight := scripted(checked(cluster(one), func(v *spec.HealthCheck) {
		v.TCP, v.Script = nil, &spec.ScriptCheck{Name: "db", DynamicWeight: true}
	}), "db")
	onBench(t, byWeight, func(b bench) {
		told := 0
		want := func(weight int, said bool, news int) {
			b.t.Helper()
			b.pass(time.Second)
			if got, ok := b.Weight(key(one)); got != weight || ok != said {
				b.t.Errorf("weight %d, %t, want %d, %t", got, ok, weight, said)
			}
			if told += news; *b.changes != told {
				b.t.Errorf("told of %d changes, want %d", *b.changes, told)
			}
		}
		b.pass(100 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
		want(0, false, 2) // that the script passes, and with it the server
		b.prober.set(ofOne, Weight(7))
		want(7, true, 1)
		b.wantServer(key(one), Passing, "its check script gives it the weight 7")
		want(7, true, 0)
		b.prober.set(ofOne, errRefused)
		want(7, true, 0)
		b.prober.set(ofOne, Weight(0))
		want(0, true, 1)
		b.wantServer(key(one), Passing, "its check script gives it the weight 0")
		b.prober.set(ofOne, nil)
		want(0, false, 1)
		b.wantServer(key(one), Passing, "")
		b.prober.set(ofOne, Weight(9))
		want(9, true, 1)
		b.prober.set(ofOne, nil)
		b.Set(cluster(one)) // without the script
		b.pass(100 * time.Millisecond)
		if _, said := b.Weight(key(one)); said {
			b.t.Error("the weight outlives its script")
		}
	})
}
