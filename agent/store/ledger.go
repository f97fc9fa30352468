package store

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Ledger is a set on disk: what the agent has put into the kernel, written down before it is put there
// and struck out after it is gone. After a crash it tells what is ours, where otherwise one could only
// guess.
type Ledger[T comparable] struct {
	store *Store
	name  string
}

// LedgerOf returns the ledger of that name. One name holds one type.
func LedgerOf[T comparable](s *Store, name string) *Ledger[T] {
	return &Ledger[T]{store: s, name: name}
}

// Entries returns what is written down, in the order in which it was.
func (l *Ledger[T]) Entries() ([]T, error) {
	l.store.ledgerMu.RLock()
	defer l.store.ledgerMu.RUnlock()
	return l.entries()
}

// Record writes the entries down. Those that are there already cost nothing.
func (l *Ledger[T]) Record(entries ...T) error {
	return l.update(func(all []T) []T {
		for _, e := range entries {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
		return all
	})
}

// Forget strikes the entries out.
func (l *Ledger[T]) Forget(entries ...T) error {
	return l.update(func(all []T) []T {
		return slices.DeleteFunc(all, func(e T) bool { return slices.Contains(entries, e) })
	})
}

func (l *Ledger[T]) entries() ([]T, error) {
	data, ok := l.store.ledgers[l.name]
	if !ok {
		return nil, nil
	}
	var all []T
	if err := spec.Decode(data, &all); err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", l.name, err)
	}
	return all, nil
}

func (l *Ledger[T]) update(change func([]T) []T) error {
	l.store.ledgerMu.Lock()
	defer l.store.ledgerMu.Unlock()
	all, err := l.entries()
	if err != nil {
		return err
	}
	data, err := spec.Encode(change(all))
	if err != nil {
		return fmt.Errorf("write the ledger of %s: %w", l.name, err)
	}
	if bytes.Equal(data, l.store.ledgers[l.name]) {
		return nil
	}
	if l.store.closed != nil {
		return fmt.Errorf("write the ledger of %s: %w", l.name, l.store.closed)
	}
	if l.store.db != nil {
		err := l.store.change(func(w *writer) error { return w.put(bucketLedger, []byte(l.name), data) })
		if err != nil {
			return fmt.Errorf("write the ledger of %s: %w", l.name, err)
		}
	}
	l.store.ledgers[l.name] = data
	return nil
}
