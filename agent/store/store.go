// Package store keeps the desired state of a director on disk: every change is part of one transaction of a
// bbolt file, and what Desired returns is what a restart will find. Beside it stand the ledgers: what
// the agent itself has put into the kernel, so that nothing of anybody else's is ever removed.
//
// It knows neither the API nor the kernel, and does not judge what it is given. What it does judge is whether
// the file still says what was written to it: a file that does not is a DamagedError, and nothing is read from it.
package store

import (
	"errors"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Store holds the desired state. Its methods may be called from several goroutines.
type Store struct {
	db *bbolt.DB // nil: nothing is kept
	// stored is told of changes, in their order. It may be nil.
	stored func(spec.Desired, []spec.Change)
	// closed is why nothing may be changed; nil where it may.
	closed error

	mu      sync.RWMutex
	desired spec.Desired // as on disk
	pending spec.Desired // with the changes that wait for the disk
	next    *batch       // collects changes while another batch is written; nil when there are none

	writing sync.Mutex // held by whoever writes a batch

	ledgerMu sync.RWMutex
	ledgers  map[string][]byte

	warnings []string
	lent     string // the path of a file that another process has
}

// InMemory returns an empty store that keeps nothing.
func InMemory() *Store {
	empty := spec.Desired{}.Clone()
	return &Store{desired: empty, pending: empty, ledgers: map[string][]byte{}}
}

// Unusable returns an empty store that refuses every change, for that reason: the stand-in for a file that
// cannot be read.
func Unusable(reason error) *Store {
	s := InMemory()
	s.closed = reason
	return s
}

// Degraded returns why the store takes no changes and its state says nothing about what is wanted, or nil.
func (s *Store) Degraded() error { return s.closed }

// Open opens the file at path, or makes it, readable by its owner alone, in a folder that exists. A file that is not
// what an agent wrote is a DamagedError, and so is the place of one that was set aside and not replaced.
func Open(path string) (*Store, error) {
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := InMemory()
	s.db = db
	err = s.shut(path)
	if err == nil {
		err = s.load(path)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.pending = s.desired
	return s, nil
}

// Warnings returns what whoever relies on the file should know of how it was found.
func (s *Store) Warnings() []string { return s.warnings }

// Close releases the file.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// OnStored has f told of changes once they are stored, in their order, with the state after them. It is
// called before anything is stored, and f must not block or call the store.
func (s *Store) OnStored(f func(spec.Desired, []spec.Change)) { s.stored = f }

// Desired returns the state as last stored. It is shared: do not write to its maps.
func (s *Store) Desired() spec.Desired {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.desired
}
