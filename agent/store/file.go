package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/lvs-director/terraform-provider-lvs/internal/newfile"
)

// lockTimeout bounds the wait for a file that another process holds.
const lockTimeout = 2 * time.Second

// openFile opens the bbolt file at path, and makes it when there is none and never was one.
func openFile(path string) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if aside := lastSetAside(path); aside != "" {
			return nil, &DamagedError{Path: path, Aside: aside, Reason: "it was set aside, and nothing has taken its place"}
		}
		if err := create(path, func(*bbolt.DB) error { return nil }); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, explain(path, err)
	case info.Size() == 0: // bbolt would begin anew
		return nil, &DamagedError{Path: path, Reason: "it is empty"}
	}
	return openBolt(path)
}

// create makes a file with what fill writes to it. It is there as a whole or not at all.
func create(path string, fill func(*bbolt.DB) error) (err error) {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary) // the error that counts is there already
		}
	}()
	db, err := openBolt(temporary)
	if err != nil {
		return err
	}
	err = inNewFile(db, fill)
	if err = errors.Join(err, db.Close()); err != nil {
		return explain(path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return explain(path, err)
	}
	return newfile.SyncFolder(filepath.Dir(path))
}

func openBolt(path string) (*bbolt.DB, error) {
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
		return err
	})
	return db, explain(path, err)
}

// shut sees to it that only the file's owner can read it: it has the secrets of the state.
func (s *Store) shut(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return explain(path, err)
	}
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("open %s: others can use it (mode %#o), and it holds secrets: chown it to the user that lvs-agent runs as, and chmod 600 it: %w", path, mode, err)
	}
	s.warnings = append(s.warnings, fmt.Sprintf("others could use %s, which holds secrets: it was mode %#o, and is 0600 now: replace passwords and keys that they must not have", path, mode))
	return nil
}

// explain puts into words why a file cannot be used. What the system has nothing to do with is damage.
func explain(path string, err error) error {
	folder := filepath.Dir(path)
	_, system := errors.AsType[syscall.Errno](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open %s: another process holds it: is an lvs-agent running already?", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open %s: the folder %s does not exist: create it, or set state_dir", path, folder)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("open %s: permission denied: %s and what is in it must belong to the user that lvs-agent runs as", path, folder)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("open %s: %s is on a read-only file system: mount it for writing, or set state_dir", path, folder)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &FullError{Path: path, Err: err}
	case system:
		return fmt.Errorf("open %s: %w", path, err)
	}
	return &DamagedError{Path: path, Reason: err.Error()}
}

// guard runs f, which reads a file through memory: one that is cut short or garbled is an error where it would be the
// end of the process. What f opened stays open then: nothing of it can be closed in order.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("garbled: %v", p)
		}
	}()
	return f()
}
