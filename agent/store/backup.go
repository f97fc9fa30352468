package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/lvs-director/terraform-provider-lvs/internal/newfile"
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

// Restore puts a backup in the place of the file at path. What was there before is kept beside it, under the name that
// is returned. What the agent has put into the kernel since, and what its hooks are still to be told, is taken over from
// there, where it can be read. It fails while an agent holds the file.
func Restore(path, backup string) (before string, err error) {
	return replace(path, func(fresh string) error {
		if err := copyFile(fresh, backup); err != nil {
			return fmt.Errorf("read the backup %s: %w", backup, err)
		}
		return nil
	})
}

// BeginAnew is Restore of a file without any state.
func BeginAnew(path string) (before string, err error) {
	return replace(path, func(fresh string) error {
		return create(fresh, func(*bbolt.DB) error { return nil })
	})
}

// replace puts what fill makes in the place of the file at path, which is there at every moment: were it not after a
// crash, the next agent would begin anew.
func replace(path string, fill func(fresh string) error) (before string, err error) {
	rest, err := keptAt(path)
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		err = damaged.SetAside()
		before = damaged.Aside
	}
	if err != nil {
		return "", err
	}
	fresh := path + ".restored"
	defer func() { _ = os.Remove(fresh) }() // it has another name by then, or is of no use
	if err := fill(fresh); err != nil {
		return "", err
	}
	if err := rest.putInto(fresh); err != nil {
		return "", err
	}
	if err := giveToAgent(fresh); err != nil {
		return "", fmt.Errorf("give the other state to the agent's user: %w", err)
	}
	if _, err := os.Lstat(path); err == nil {
		before = free(path + ".replaced-" + time.Now().UTC().Format("20060102T150405Z"))
		if err := os.Link(path, before); err != nil {
			return "", fmt.Errorf("keep what was there: %w", err)
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return before, fmt.Errorf("put the other state in its place: %w", err)
	}
	return before, newfile.SyncFolder(filepath.Dir(path))
}

// giveToAgent gives a file that root has made to whom its folder belongs: the agent may run as another user.
func giveToAgent(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	owner := folder.Sys().(*syscall.Stat_t)
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

// kept is what a state that is replaced leaves to the next one.
type kept struct {
	ledgers       map[string][]byte
	notifications map[string][]byte // as they are on disk
	events        uint64
}

// keptAt reads it from the file at path; there is none where there is no file.
func keptAt(path string) (k kept, err error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) && lastSetAside(path) == "" {
		return kept{}, nil
	}
	s, err := Open(path)
	if err != nil {
		return kept{}, err
	}
	k = kept{ledgers: s.ledgers, notifications: map[string][]byte{}}
	err = s.db.View(func(tx *bbolt.Tx) error {
		if k.events, err = number(tx, keyEvents); err != nil {
			return err
		}
		return tx.Bucket(bucketNotifications).ForEach(func(key, data []byte) error {
			k.notifications[string(key)] = bytes.Clone(data)
			return nil
		})
	})
	return k, errors.Join(err, s.Close())
}

// putInto makes the file that is to be put in place of a copy of the backup. What hooks were still to be told when the
// backup was made they have been told since.
func (k kept) putInto(fresh string) error {
	s, err := Open(fresh)
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		return fmt.Errorf("the backup is none: %s", damaged.Reason)
	}
	if err != nil {
		return err
	}
	err = s.change(func(w *writer) error {
		events, err := number(w.tx, keyEvents)
		if err != nil {
			return err
		}
		for name, data := range k.ledgers {
			if err := w.put(bucketLedger, []byte(name), data); err != nil {
				return err
			}
		}
		if err := w.empty(bucketNotifications); err != nil {
			return err
		}
		for key, data := range k.notifications {
			if err := w.put(bucketNotifications, []byte(key), data); err != nil {
				return err
			}
		}
		return w.putNumber(keyEvents, max(events, k.events)+skipEvents)
	})
	return errors.Join(err, s.Close())
}

// copyFile makes the file to, in the place of one that somebody had no time to remove.
func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return newfile.Create(to, data)
}
