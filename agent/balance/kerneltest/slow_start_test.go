package kerneltest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// The kernel's table is read all the while: what is asserted is which weights were there, and not when.
func TestWeightOfAServerThatRecoversClimbsInTheKernel(t *testing.T) {
	t.Parallel()
	const growth, full = 5 * time.Second, 101
	d := newDirector(t)
	desired := web()
	service := desired.VirtualServers["web"]
	service.SlowStart = spec.Duration(growth)
	desired.VirtualServers["web"] = service
	server, other := netip.MustParseAddrPort(first), netip.MustParseAddrPort(second)
	desired.RealServers["web"][server] = spec.RealServer{Weight: full}

	table := ipvs.NewKernel(ipvs.KernelConfig{Namespace: "/run/netns/" + d.host.Namespace()})
	defer func() { _ = table.Close() }()
	weights := func() (recovering, steady uint32) {
		t.Helper()
		actual, _, err := table.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range actual {
			recovering, steady = s.Destinations[server].Weight, s.Destinations[other].Weight
		}
		return recovering, steady
	}
	until := func(what string, reached func(recovering, steady uint32) bool) (seen []uint32) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			recovering, steady := weights()
			if len(seen) == 0 || seen[len(seen)-1] != recovering {
				seen = append(seen, recovering)
			}
			if reached(recovering, steady) {
				return seen
			}
		}
		t.Fatalf("it is never %s: the weights were %d", what, seen)
		return nil
	}

	d.health.set(map[string]balance.Verdict{first: balance.Up, second: balance.Up})
	d.sync(desired)
	until("full", func(recovering, steady uint32) bool { return recovering == full && steady == 2 })
	d.health.set(map[string]balance.Verdict{first: balance.Down, second: balance.Up})
	d.Trigger()
	until("out", func(recovering, _ uint32) bool { return recovering == 0 })

	d.health.set(map[string]balance.Verdict{first: balance.Up, second: balance.Up})
	begin := time.Now()
	d.Trigger()
	seen := until("full again", func(recovering, steady uint32) bool {
		if steady != 2 {
			t.Errorf("the other server has weight %d", steady)
		}
		return recovering == full
	})
	if took := time.Since(begin); took < growth-time.Second {
		t.Errorf("its weight is full after %s", took)
	}
	if seen[0] == 0 { // as it was before it came back
		seen = seen[1:]
	}
	if len(seen) < 4 || seen[0] > full/5 || !slices.IsSorted(seen) {
		t.Errorf("the weights were %d, want some from 1 up to %d", seen, full)
	}
}
