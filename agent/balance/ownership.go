package balance

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// Ledger is the record, on disk, of which services in the kernel's table are ours. A service that is
// neither in it nor desired is somebody else's, and is never touched.
type Ledger interface {
	// Entries returns the services that are recorded.
	Entries() ([]ipvs.ServiceKey, error)
	// Record adds services, before they are put into the table.
	Record(...ipvs.ServiceKey) error
	// Forget removes services, after they are gone from the table.
	Forget(...ipvs.ServiceKey) error
}

// claims is what a ledger records, which nobody else writes: it is read once.
type claims struct {
	ledger Ledger
	ours   map[ipvs.ServiceKey]bool // nil until it is read, and when a write failed
}

// load reads the ledger, unless that is done.
func (c *claims) load() error {
	if c.ours != nil {
		return nil
	}
	entries, err := c.ledger.Entries()
	if err != nil {
		return fmt.Errorf("read which services are ours: %w", err)
	}
	c.ours = make(map[ipvs.ServiceKey]bool, len(entries))
	for _, key := range entries {
		c.ours[key] = true
	}
	return nil
}

// claim records every service of want that is not, so that a crash between this and the next write
// leaves nothing behind that nobody knows. It returns all that is ours.
func (c *claims) claim(want ipvs.Table) (ours map[ipvs.ServiceKey]bool, err error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	var more []ipvs.ServiceKey
	for key := range want {
		if !c.ours[key] {
			more = append(more, key)
		}
	}
	if len(more) == 0 {
		return c.ours, nil
	}
	slices.SortFunc(more, ipvs.ServiceKey.Compare)
	if err := c.ledger.Record(more...); err != nil {
		c.ours = nil
		return nil, fmt.Errorf("record which services are ours: %w", err)
	}
	for _, key := range more {
		c.ours[key] = true
	}
	return c.ours, nil
}

// has reports whether a service is recorded as ours. The ledger is loaded.
func (c *claims) has(key ipvs.ServiceKey) bool { return c.ours[key] }

// disclaim forgets which of these services are ours no longer: not wanted, and gone from the table.
func (c *claims) disclaim(services []ipvs.ServiceKey, want, actual ipvs.Table) error {
	var gone []ipvs.ServiceKey
	for _, key := range services {
		_, wanted := want[key]
		_, there := actual[key]
		if c.ours[key] && !wanted && !there {
			gone = append(gone, key)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	slices.SortFunc(gone, ipvs.ServiceKey.Compare)
	if err := c.ledger.Forget(gone...); err != nil {
		c.ours = nil
		return fmt.Errorf("forget services that are gone: %w", err)
	}
	for _, key := range gone {
		delete(c.ours, key)
	}
	return nil
}

// all returns what is ours.
func (c *claims) all() []ipvs.ServiceKey { return slices.Collect(maps.Keys(c.ours)) }

// only returns the services of a table that are ours. They are shared with the table.
func only(table ipvs.Table, ours map[ipvs.ServiceKey]bool) ipvs.Table {
	part := ipvs.Table{}
	for key, service := range table {
		if ours[key] {
			part[key] = service
		}
	}
	return part
}
