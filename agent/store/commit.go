package store

import (
	"errors"
	"fmt"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/lvs-director/terraform-provider-lvs/internal/failpoint"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// FullError says that a change is not stored because there is no room for it. Nothing of it is.
type FullError struct {
	Path string
	Err  error
}

// Error says what to do.
func (e *FullError) Error() string {
	return fmt.Sprintf("there is no room for %s: make some and try again (%v)", e.Path, e.Err)
}

// Unwrap returns what the system said.
func (e *FullError) Unwrap() error { return e.Err }

// batch is what is written in one transaction: the changes of all who came while the one before was written.
// A commit waits for the disk, and for many of them it waits as long as for one.
type batch struct {
	updates []update
	// written says that it is over, err what came of it. Both are guarded by Store.writing.
	written bool
	err     error
}

// update is the changes of one call, and the state after them.
type update struct {
	changes []spec.Change
	after   spec.Desired
}

// Update asks decide for the changes, with the state they will be made to, stores all of them or none,
// and returns the state after them. Nobody else changes the state meanwhile. No changes leave the
// revision as it is.
//
// The state that decide sees may itself still be on its way to the disk. Update returns when both are there,
// and fails with the one that it was built on.
func (s *Store) Update(decide func(spec.Desired) ([]spec.Change, error)) (spec.Desired, error) {
	if s.closed != nil {
		return s.Desired(), s.closed
	}
	joined, after, err := s.join(decide)
	if err != nil {
		return s.Desired(), err
	}
	if joined == nil {
		return after, nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if !joined.written {
		s.commit(joined)
	}
	if joined.err != nil {
		return s.Desired(), fmt.Errorf("store the change: %w", joined.err)
	}
	return after, nil
}

// join adds the changes to the batch that is written next. There is none where nothing has to be waited for.
func (s *Store) join(decide func(spec.Desired) ([]spec.Change, error)) (*batch, spec.Desired, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, err := decide(s.pending)
	if err != nil {
		return nil, s.desired, err
	}
	if len(changes) == 0 && s.pending.Revision == s.desired.Revision {
		return nil, s.desired, nil
	}
	after := s.pending
	if len(changes) > 0 {
		if after, err = s.pending.With(changes...); err != nil {
			return nil, s.desired, err
		}
		after.Revision++
	}
	if s.next == nil {
		s.next = &batch{}
	}
	if len(changes) > 0 {
		s.next.updates = append(s.next.updates, update{changes, after})
	}
	s.pending = after
	return s.next, after, nil
}

// commit writes a batch, which is the next one, for all who joined it. The caller holds writing.
func (s *Store) commit(b *batch) {
	s.mu.Lock()
	s.next = nil // whoever comes from here on joins another one
	s.mu.Unlock()

	b.err = s.write(b.updates)
	failpoint.Reach(failpoint.Persisted)
	b.written = true

	s.mu.Lock()
	defer s.mu.Unlock()
	if b.err != nil {
		s.pending = s.desired
		if s.next != nil { // it was built on what is not there
			s.next.written, s.next.err = true, b.err
			s.next = nil
		}
		return
	}
	for _, u := range b.updates {
		s.desired = u.after
		if s.stored != nil {
			s.stored(u.after, u.changes)
		}
	}
}

func (s *Store) write(updates []update) error {
	if s.db == nil || len(updates) == 0 {
		return nil
	}
	return s.change(func(w *writer) error {
		for _, u := range updates {
			for _, c := range u.changes {
				if err := w.change(c); err != nil {
					return err
				}
			}
		}
		failpoint.Reach(failpoint.Written)
		return w.putNumber(keyRevision, updates[len(updates)-1].after.Revision)
	})
}

// change runs f in one transaction.
func (s *Store) change(f func(*writer) error) error {
	err := inTransaction(s.db, f)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &FullError{Path: s.db.Path(), Err: err}
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrLent
	}
	return err
}
