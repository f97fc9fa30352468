package ipvs

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"syscall"
)

// Fake is a table in memory that behaves as Kernel does. Tests use it, and an agent that must not
// touch its machine. It may be used by several goroutines.
type Fake struct {
	mu     sync.Mutex
	table  Table
	stats  Stats
	writes int
	broken error
	refuse func(Op) error
}

// NewFake returns an empty table.
func NewFake() *Fake { return &Fake{table: Table{}, stats: Stats{}} }

// Info returns the version "memory".
func (f *Fake) Info(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "memory", f.broken
}

// Read returns a copy of the table.
func (f *Fake) Read(context.Context) (Table, Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, nil, f.broken
	}
	stats := make(Stats)
	for key, service := range f.table {
		for server := range service.Destinations {
			k := DestinationKey{Service: key, Address: server}
			stats[k] = f.stats[k]
		}
	}
	return f.table.Clone(), stats, nil
}

// Apply carries the operations out, see Kernel.Apply.
func (f *Fake) Apply(_ context.Context, ops []Op) (writes int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return 0, f.broken
	}
	return applyAll(ops, func(op Op) (int, error) {
		f.writes++
		if f.refuse != nil {
			if err := f.refuse(op); err != nil {
				return 1, err
			}
		}
		return 1, f.table.apply(op)
	})
}

// Close does nothing.
func (*Fake) Close() error { return nil }

// String prints the table as ipvsadm -Sn does.
func (f *Fake) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.table.String()
}

// Writes returns how many operations were carried out or refused so far.
func (f *Fake) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// Edit changes the table behind everybody's back, as an operator with ipvsadm does.
func (f *Fake) Edit(change func(Table)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.table)
}

// Connect sets what is counted for a destination.
func (f *Fake) Connect(d DestinationKey, c Connections) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats[d] = c
}

// Break makes every call fail with err, until Break(nil).
func (f *Fake) Break(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

// Refuse makes the operations fail for which refuse returns an error, until Refuse(nil).
func (f *Fake) Refuse(refuse func(Op) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = refuse
}

// apply does to a table what the kernel does to its own.
func (t Table) apply(op Op) error {
	service, exists := t[op.Service]
	switch op.Action {
	case AddService, EditService:
		if service.Destinations == nil {
			service.Destinations = map[netip.AddrPort]Destination{}
		}
		service.Options = op.Options
		t[op.Service] = service
		return nil
	case DeleteService:
		delete(t, op.Service)
		return nil
	case DeleteDestination:
		delete(service.Destinations, op.Server)
		return nil
	case AddDestination, EditDestination:
		if !exists {
			return syscall.ESRCH
		}
		service.Destinations[op.Server] = op.Destination
		return nil
	}
	return errors.ErrUnsupported
}
