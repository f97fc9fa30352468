package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// skipEvents is how far the numbers of events jump when a file is replaced, so that those told since the backup was
// made are not told again.
const skipEvents = 1 << 40

// errNothingKept is what a store in memory answers to who wants a copy.
var errNothingKept = errors.New("nothing is kept here that could be backed up")

// Backup writes a copy of the whole file, as it is now, for Restore. It holds the secrets of the state.
func (s *Store) Backup(w io.Writer) error {
	if s.closed != nil {
		return s.closed
	}
	if s.db == nil {
		return errNothingKept
	}
	err := s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("back %s up: %w", s.db.Path(), err)
	}
	return nil
}

// Restore puts a backup in the place of the file at path, or, where backup is "", a file without any state. What was
// there before is kept beside it, under the name that is returned. What the agent has put into the kernel since is
// taken over from there, where it can be read. It fails while an agent holds the file.
func Restore(path, backup string) (before string, err error) {
	ledgers, err := ledgersAt(path)
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		err = damaged.SetAside()
		before = damaged.Aside
	}
	if err != nil {
		return "", err
	}
	fresh := path + ".restored"
	defer func() { _ = os.Remove(fresh) }() // it has another name by then, or is of no use
	if err := prepare(fresh, backup, ledgers); err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); err == nil {
		before = free(path + ".replaced-" + time.Now().UTC().Format("20060102T150405Z"))
		if err := os.Rename(path, before); err != nil {
			return "", fmt.Errorf("keep what was there: %w", err)
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return before, fmt.Errorf("put the backup in its place: %w", err)
	}
	return before, syncFolder(filepath.Dir(path))
}

// ledgersAt reads the ledgers of the file at path; there are none where there is no file.
func ledgersAt(path string) (map[string][]byte, error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) && lastSetAside(path) == "" {
		return nil, nil
	}
	s, err := Open(path)
	if err != nil {
		return nil, err
	}
	return s.ledgers, s.Close()
}

// prepare makes the file that is to be put in place. The backup itself is not written to.
func prepare(fresh, backup string, ledgers map[string][]byte) error {
	if backup == "" {
		if err := create(fresh, func(*bbolt.DB) error { return nil }); err != nil {
			return err
		}
	} else if err := copyFile(fresh, backup); err != nil {
		return fmt.Errorf("read the backup %s: %w", backup, err)
	}
	s, err := Open(fresh)
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		return fmt.Errorf("the backup %s is none: %s", backup, damaged.Reason)
	}
	if err != nil {
		return err
	}
	err = s.change(func(w *writer) error {
		events, err := number(w.tx, keyEvents)
		if err != nil {
			return err
		}
		for name, data := range ledgers {
			if err := w.put(bucketLedger, []byte(name), data); err != nil {
				return err
			}
		}
		return w.putNumber(keyEvents, events+skipEvents)
	})
	return errors.Join(err, s.Close())
}

func copyFile(to, from string) (err error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	return errors.Join(err, f.Sync(), f.Close())
}
