package balance

import (
	"context"
	"errors"
	"fmt"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// Release removes all of our services from the kernel's table, for an agent that stops and leaves
// nothing behind. It is called after Run has ended, which would put them back.
func (b *Balancer) Release(ctx context.Context) error {
	if err := b.take(ctx); err != nil {
		return err
	}
	defer b.give()
	ours, err := b.ledger.claim(nil)
	if err != nil || len(ours) == 0 {
		return err
	}
	table, _, err := b.kernel.Read(ctx)
	if errors.Is(err, ipvs.ErrUnavailable) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("release our services: %w", err)
	}
	writes, failure := b.kernel.Apply(ctx, ipvs.Diff(only(table, ours), nil))
	b.counters.Wrote(writes)
	b.log.Info("released our services", "writes", writes)
	if table, _, err = b.kernel.Read(ctx); err != nil {
		return fmt.Errorf("release our services: %w", errors.Join(failure, err))
	}
	return errors.Join(failure, b.ledger.disclaim(b.ledger.all(), nil, table))
}
