package store

import "fmt"

// keyEvents is the key of the revision from which the next process numbers its events.
var keyEvents = []byte("event_revision")

// reserved is how many revisions of events a process takes at once, so that no event costs a write. More
// than any process will ever tell.
const reserved = 1 << 32

// BeginEvents returns the revision of the last event that an earlier process told, or one above it if that
// process had no time to call EndEvents. Until then nobody is told a revision that was told before.
func (s *Store) BeginEvents() (revision uint64, err error) {
	if s.db == nil {
		return 0, nil
	}
	err = s.change(func(w *writer) error {
		if revision, err = number(w.tx, keyEvents); err != nil {
			return err
		}
		return w.putNumber(keyEvents, revision+reserved)
	})
	if err != nil {
		return 0, fmt.Errorf("reserve revisions for events: %w", err)
	}
	return revision, nil
}

// EndEvents writes down the revision of the last event of a process.
func (s *Store) EndEvents(revision uint64) error {
	if s.db == nil {
		return nil
	}
	err := s.change(func(w *writer) error { return w.putNumber(keyEvents, revision) })
	if err != nil {
		return fmt.Errorf("write down the revision of the last event: %w", err)
	}
	return nil
}
