package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

// Leftovers is what an agent that died has left in the kernel, by the ledgers of its state folder.
type Leftovers struct {
	config config.Config
	store  *store.Store
	links  *link.Kernel
	table  *ipvs.Kernel
	log    *slog.Logger
}

// OpenLeftovers opens the state folder. It fails while an agent runs on it.
func OpenLeftovers(c config.Config, log *slog.Logger) (*Leftovers, error) {
	if c.Dataplane == config.DataplaneMemory {
		return nil, errors.New("dataplane is \"memory\": such an agent leaves nothing behind")
	}
	s, err := store.Open(statePath(c))
	if err != nil {
		return nil, err
	}
	links, err := link.NewKernel(linkLedgers(s))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the machine's network interfaces: %w", err), s.Close())
	}
	return &Leftovers{config: c, store: s, links: links, table: ipvs.NewKernel(ipvs.KernelConfig{}), log: log}, nil
}

// Close gives back what OpenLeftovers opened.
func (l *Leftovers) Close() error {
	return errors.Join(l.links.Close(), l.table.Close(), l.store.Close())
}

// ReleaseAddresses takes the virtual addresses off their interfaces, and the virtual routes and the interfaces
// with virtual MACs with them.
// Addresses of the machine's own stay.
func (l *Leftovers) ReleaseAddresses() error {
	return errors.Join(l.links.RetainRoutes(nil), l.links.RetainLinks(nil), l.links.Retain(nil), l.links.Refuse(nil))
}

// ReleaseSettings puts back what the settings of IPVS were, and stops the sync daemons if they are ours.
func (l *Leftovers) ReleaseSettings(ctx context.Context) error {
	on, err := localTuning(l.table)
	if err != nil {
		return err
	}
	return newTuner(l.config, on, l.store, roles{}, nil, l.log).Release(ctx)
}

// ReleaseServices takes our services out of the kernel's IPVS table. Foreign ones stay.
func (l *Leftovers) ReleaseServices(ctx context.Context) error {
	b := balance.New(balance.Config{
		Kernel: l.table, Health: health{check.New(check.Config{Prober: check.Assume{}, Log: l.log})},
		Ledger: store.LedgerOf[ipvs.ServiceKey](l.store, ledgerServices), Log: l.log,
	})
	return b.Release(ctx)
}
