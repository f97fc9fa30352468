package link

import (
	"slices"
	"sync"
)

// MemoryLedger is a Ledger that a crash empties. Its zero value has no entries.
type MemoryLedger = MemoryLedgerOf[Held]

// MemoryLedgerOf is a LedgerOf that a crash empties. Its zero value has no entries.
type MemoryLedgerOf[T comparable] struct {
	mu      sync.Mutex
	entries []T
}

// Entries implements LedgerOf.
func (l *MemoryLedgerOf[T]) Entries() ([]T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries), nil
}

// Record implements LedgerOf.
func (l *MemoryLedgerOf[T]) Record(entries ...T) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		if !slices.Contains(l.entries, e) {
			l.entries = append(l.entries, e)
		}
	}
	return nil
}

// Forget implements LedgerOf.
func (l *MemoryLedgerOf[T]) Forget(entries ...T) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = slices.DeleteFunc(l.entries, func(e T) bool { return slices.Contains(entries, e) })
	return nil
}
