package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/lvs-director/terraform-provider-lvs/internal/newfile"
)

// ErrLent refuses a change while another process has the file. It is an EBUSY.
var ErrLent error = lentError{}

type lentError struct{}

// Error implements error.
func (lentError) Error() string { return "another agent is taking over the state: try again" }

// Is implements errors.Is.
func (lentError) Is(target error) bool { return target == syscall.EBUSY }

// lentSuffix is what the name of the copy has behind the file's own.
const lentSuffix = ".lent"

// Lend closes the file, so that another process can open it. From then on Desired answers as before, and every change
// is refused with ErrLent. A copy of the file is kept until TakeBack or GiveAway: another version of the agent may
// write what this one cannot read. After an error nothing has changed.
func (s *Store) Lend() error {
	if s.db == nil {
		return errNothingKept
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.ledgerMu.Lock()
	defer s.ledgerMu.Unlock()
	path := s.db.Path()
	err := s.db.Close()
	if err == nil {
		err = copyFile(path+lentSuffix, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lend %s: %w", path, err), s.reopen(path))
	}
	s.lent = path
	return nil
}

// TakeBack ends a Lend, when nobody else has the file any more: it is again as it was then.
func (s *Store) TakeBack() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.ledgerMu.Lock()
	defer s.ledgerMu.Unlock()
	if s.lent == "" {
		return nil
	}
	err := os.Rename(s.lent+lentSuffix, s.lent)
	if errors.Is(err, os.ErrNotExist) { // an attempt before this one came so far
		err = nil
	}
	if err == nil {
		err = errors.Join(newfile.SyncFolder(filepath.Dir(s.lent)), s.reopen(s.lent))
	}
	if err != nil {
		return fmt.Errorf("take %s back: %w", s.lent, err)
	}
	s.lent = ""
	return nil
}

// GiveAway ends a Lend for good.
func (s *Store) GiveAway() error {
	if s.lent == "" {
		return nil
	}
	return os.Remove(s.lent + lentSuffix)
}

// reopen opens the file that was closed.
func (s *Store) reopen(path string) error {
	db, err := openBolt(path)
	if err == nil {
		s.db = db
	}
	return err
}
