package agent

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

// slowTable is a kernel's that takes its time for the first write after slow was set.
type slowTable struct {
	*ipvs.Fake
	slow    atomic.Bool
	begun   chan struct{}
	goOn    chan struct{}
	written atomic.Int64
}

func (s *slowTable) Apply(ctx context.Context, ops []ipvs.Op) (int, error) {
	s.written.Add(1)
	if s.slow.CompareAndSwap(true, false) {
		close(s.begun)
		<-s.goOn
	}
	return s.Fake.Apply(ctx, ops)
}

func TestWritesThatComeTogetherAreAppliedTogether(t *testing.T) {
	t.Parallel()
	table := &slowTable{Fake: ipvs.NewFake(), begun: make(chan struct{}), goOn: make(chan struct{})}
	s := store.InMemory()
	r := run(t, withDataplane(t, s, func(p *dataplane) { p.table = table }))
	const others = 10
	for n := range 1 + others {
		r.put(t, fmt.Sprintf("/v1/virtual-servers/web%d", n), fmt.Sprintf(`{"address":"192.0.2.100","port":%d,"forwarding_method":"nat"}`, 80+n))
	}
	put := func(n int) {
		path := fmt.Sprintf("/v1/virtual-servers/web%d/real-servers/192.0.2.21:80", n)
		if status, answer := r.call(t, http.MethodPut, path, `{"weight":1}`); status != http.StatusCreated {
			t.Errorf("PUT %s answered %d: %s", path, status, answer)
		}
	}
	table.slow.Store(true)
	var puts sync.WaitGroup
	puts.Go(func() { put(0) })
	<-table.begun
	before, revision := table.written.Load(), s.Desired().Revision
	for n := range others {
		puts.Go(func() { put(1 + n) })
	}
	for deadline := time.Now().Add(20 * time.Second); s.Desired().Revision < revision+others && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // they are stored, and about to wait
	close(table.goOn)
	puts.Wait()
	if n := table.written.Load() - before; n > others/2 {
		t.Errorf("%d writes that came together took %d turns", others, n)
	}
}

// The engine looks by itself only every few seconds.
func TestAWriteMovesThePriorityThatTracksItsServiceAtOnce(t *testing.T) {
	t.Parallel()
	r := run(t, withTable(t, ipvs.NewFake()))
	r.put(t, "/v1/virtual-servers/web", `{"address":"192.0.2.100","port":80,"forwarding_method":"nat","quorum":{"weight":2}}`)
	r.put(t, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", `{"weight":1}`)
	r.put(t, "/v1/vrrp-instances/web", `{"virtual_router_id":51,"interface":"eth0","priority":100,"virtual_addresses":["192.0.2.100/24"],"track_virtual_servers":{"web":{"weight":-60}}}`)
	began := time.Now()
	for n := range 20 {
		weight, want := 2-n%2, []string{`"effective_priority":100`, `"effective_priority":40`}[n%2]
		if status, answer := r.call(t, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", fmt.Sprintf(`{"weight":%d}`, weight)); status != http.StatusOK {
			t.Fatal(status, answer)
		}
		r.eventually(t, want)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("20 changes took %s", took)
	}
}
