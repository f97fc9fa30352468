package link

import (
	"slices"
	"sync"
)

// MemoryLedger is a Ledger that a crash empties. Its zero value has no entries.
type MemoryLedger struct {
	mu      sync.Mutex
	entries []Held
}

// Entries implements Ledger.
func (l *MemoryLedger) Entries() ([]Held, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries), nil
}

// Record implements Ledger.
func (l *MemoryLedger) Record(entries ...Held) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		if !slices.Contains(l.entries, e) {
			l.entries = append(l.entries, e)
		}
	}
	return nil
}

// Forget implements Ledger.
func (l *MemoryLedger) Forget(entries ...Held) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = slices.DeleteFunc(l.entries, func(e Held) bool { return slices.Contains(entries, e) })
	return nil
}
