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
	stats  map[DestinationKey]DestinationStats
	writes int
	reads  int
	broken error
	refuse func(Op) error
}

// NewFake returns an empty table.
func NewFake() *Fake { return &Fake{table: Table{}, stats: map[DestinationKey]DestinationStats{}} }

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
	f.reads += len(f.table)
	return f.table.Clone(), f.count(f.table), nil
}

// ReadServices returns a copy of a part of the table, see Kernel.ReadServices.
func (f *Fake) ReadServices(_ context.Context, keys ...ServiceKey) (Table, Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, nil, f.broken
	}
	f.reads += len(keys)
	part := f.table.Part(keys...)
	return part.Clone(), f.count(part), nil
}

// count returns what is counted for the services of a table.
func (f *Fake) count(t Table) Stats {
	stats := make(Stats, len(t))
	for key, service := range t {
		of := ServiceStats{Destinations: map[netip.AddrPort]DestinationStats{}}
		for server := range service.Destinations {
			of.Destinations[server] = f.stats[DestinationKey{Service: key, Address: server}]
			of.Traffic.add(of.Destinations[server].Traffic)
		}
		stats[key] = of
	}
	return stats
}

// Apply carries the operations out, see Kernel.Apply.
func (f *Fake) Apply(_ context.Context, ops []Op) (writes int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return 0, f.broken
	}
	return applyAll(ops, func(ops []Op) (said []error, _ error) {
		for _, op := range ops {
			said = append(said, f.do(op))
			if errors.Is(said[len(said)-1], syscall.EPERM) {
				break
			}
		}
		f.writes += len(said)
		return said, nil
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

// Reads returns how many services were read so far.
func (f *Fake) Reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

// Edit changes the table behind everybody's back, as an operator with ipvsadm does.
func (f *Fake) Edit(change func(Table)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.table)
}

// Connect sets the connections of a destination.
func (f *Fake) Connect(d DestinationKey, c Connections) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counted := f.stats[d]
	counted.Connections = c
	f.stats[d] = counted
}

// Carry sets the traffic of a destination.
func (f *Fake) Carry(d DestinationKey, t Traffic) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counted := f.stats[d]
	counted.Traffic = t
	f.stats[d] = counted
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

func (f *Fake) do(op Op) error {
	if f.refuse != nil {
		if err := f.refuse(op); err != nil {
			return err
		}
	}
	return f.table.apply(op)
}

// apply does to a table what the kernel does to its own, with the kernel's errors (ip_vs_ctl.c).
func (t Table) apply(op Op) error {
	service, exists := t[op.Service]
	_, holds := service.Destinations[op.Server]
	switch op.Action {
	case AddService:
		if exists {
			return syscall.EEXIST
		}
		t[op.Service] = Service{Options: op.Options, Destinations: map[netip.AddrPort]Destination{}}
		return nil
	}
	if !exists {
		return syscall.ESRCH
	}
	switch op.Action {
	case EditService:
		service.Options = op.Options
		t[op.Service] = service
	case DeleteService:
		delete(t, op.Service)
	case AddDestination:
		if holds {
			return syscall.EEXIST
		}
		if service.Destinations == nil {
			service.Destinations = map[netip.AddrPort]Destination{}
			t[op.Service] = service
		}
		service.Destinations[op.Server] = op.Destination
	case EditDestination:
		if !holds {
			return syscall.ENOENT
		}
		service.Destinations[op.Server] = op.Destination
	case DeleteDestination:
		if !holds {
			return syscall.ENOENT
		}
		delete(service.Destinations, op.Server)
	default:
		return errors.ErrUnsupported
	}
	return nil
}
