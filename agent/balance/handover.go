package balance

import (
	"context"
	"maps"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Handover is what one process tells the next that neither the kernel's table nor the verdicts say.
type Handover struct {
	// Warming are the servers whose weight grows, as ServerKey.String(), with the time at which they came up.
	Warming map[string]time.Time `json:"warming,omitempty"`
	// Inherited is until when services that somebody else set up keep what nobody has asked for yet.
	Inherited map[ipvs.ServiceKey]time.Time `json:"inherited,omitempty"`
}

// Suspend has the balancer write nothing until Continue, and returns what the next process has to know.
func (b *Balancer) Suspend(ctx context.Context) (Handover, error) {
	if err := b.take(ctx); err != nil {
		return Handover{}, err
	}
	h := Handover{Warming: map[string]time.Time{}, Inherited: maps.Clone(b.inherited)}
	for key, w := range b.view.remembered.warming.All() {
		h.Warming[key.String()] = w.since
	}
	return h, nil
}

// Continue ends a Suspend.
func (b *Balancer) Continue() { b.give() }

// TakeOver goes on where another process was, which has made the table what it is. It is called before Run.
func (b *Balancer) TakeOver(h Handover) {
	b.succeeds = true
	growing := spec.Servers[warming]{}
	for name, since := range h.Warming {
		if key, err := spec.ParseServerKey(name); err == nil {
			growing.Put(key, warming{since: since})
		}
	}
	b.view.remembered.warming = growing
	maps.Copy(b.inherited, h.Inherited)
}

// Resync compares the whole table with what is wanted, as Run does from time to time, and returns after that.
func (b *Balancer) Resync(ctx context.Context) error { return b.sync(ctx, task{whole: true}) }
