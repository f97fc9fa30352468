package vrrp

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// restorations remembers the addresses that were put back after somebody else had removed them. Its zero
// value remembers none.
type restorations struct {
	total atomic.Uint64

	mu   sync.Mutex
	last map[netip.Prefix]time.Time
}

// restorationShown is how long a restoration is told of.
const restorationShown = 10 * time.Minute

func (r *restorations) add(addresses []netip.Prefix) {
	r.total.Add(uint64(len(addresses)))
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now().Round(0)
	maps.DeleteFunc(r.last, func(_ netip.Prefix, at time.Time) bool { return now.Sub(at) > restorationShown })
	if r.last == nil {
		r.last = map[netip.Prefix]time.Time{}
	}
	for _, p := range addresses {
		r.last[p] = now
	}
}

// drift is what was put right of an instance lately, the address that was missing last at the end.
func (r *restorations) drift(instance string) []spec.Drift {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []spec.Drift
	for p, at := range r.last {
		if time.Since(at) <= restorationShown {
			all = append(all, spec.Drift{Kind: spec.KindVRRPInstance, Name: instance, Field: "virtual_addresses",
				Actual: "without " + p.String(), Want: p.String(), Repaired: at})
		}
	}
	slices.SortFunc(all, func(a, b spec.Drift) int {
		return cmp.Or(a.Repaired.Compare(b.Repaired), cmp.Compare(a.Want, b.Want))
	})
	return all
}
