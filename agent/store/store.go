// Package store keeps the desired state of a director on disk: every change is one transaction of a
// bbolt file, and what Desired returns is what a restart will find. Beside it stand the ledgers: what
// the agent itself has put into the kernel, so that nothing of anybody else's is ever removed.
//
// It knows neither the API nor the kernel, and does not judge what it is given.
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// SchemaVersion is the version of the file's layout that this code writes.
const SchemaVersion = 1

// lockTimeout bounds the wait for a file that another process holds.
const lockTimeout = 2 * time.Second

// Buckets and keys of the file, beside a bucket for each kind of object.
var (
	bucketMeta   = []byte("meta")
	bucketLedger = []byte("ledger")
	keySchema    = []byte("schema_version")
	keyRevision  = []byte("revision")
)

// decoders returns, for each kind of object, and so for each bucket of objects, how to read one.
func decoders() map[spec.Kind]func([]byte) (any, error) {
	return map[spec.Kind]func([]byte) (any, error){
		spec.KindVRRPInstance:    decode[spec.VRRPInstance],
		spec.KindVirtualServer:   decode[spec.VirtualServer],
		spec.KindRealServer:      decode[spec.RealServer],
		spec.KindDrain:           decode[spec.Drain],
		spec.KindRealServerGroup: decode[spec.Owned],
		spec.KindCheckScript:     decode[spec.CheckScript],
		spec.KindIPVSSettings:    decode[spec.IPVSSettings],
	}
}

// Store holds the desired state. Its methods may be called from several goroutines.
type Store struct {
	db *bbolt.DB // nil: nothing is kept
	// stored is told of changes, in their order. It may be nil.
	stored func(spec.Desired, []spec.Change)

	mu      sync.RWMutex
	desired spec.Desired
	ledgers map[string][]byte
}

// InMemory returns an empty store that keeps nothing.
func InMemory() *Store {
	return &Store{desired: spec.Desired{}.Clone(), ledgers: map[string][]byte{}}
}

// Open opens the file at path, or makes it, readable by its owner alone, in a folder that exists.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: another process holds it: is an lvs-agent running already?", path)
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("open %s: the folder %s does not exist: create it, or set state_dir", path, filepath.Dir(path))
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := InMemory()
	s.db = db
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), db.Close())
	}
	return s, nil
}

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

// Update asks decide for the changes, with the state they will be made to, stores all of them or none,
// and returns the state after them. Nobody else changes the state meanwhile. No changes leave the
// revision as it is.
func (s *Store) Update(decide func(spec.Desired) ([]spec.Change, error)) (spec.Desired, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, err := decide(s.desired)
	if err != nil || len(changes) == 0 {
		return s.desired, err
	}
	next, err := s.desired.With(changes...)
	if err != nil {
		return s.desired, err
	}
	next.Revision++
	if err := s.write(changes, next.Revision); err != nil {
		return s.desired, fmt.Errorf("store the change: %w", err)
	}
	s.desired = next
	if s.stored != nil {
		s.stored(next, changes)
	}
	return next, nil
}

func (s *Store) write(changes []spec.Change, revision uint64) error {
	if s.db == nil {
		return nil
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, c := range changes {
			bucket := tx.Bucket([]byte(c.Kind))
			if c.Value == nil {
				if err := bucket.Delete([]byte(c.Key)); err != nil {
					return err
				}
				continue
			}
			data, err := spec.EncodeWithSecrets(c.Value) // the file is its owner's only
			if err != nil {
				return err
			}
			if err := bucket.Put([]byte(c.Key), data); err != nil {
				return err
			}
		}
		return putNumber(tx, keyRevision, revision)
	})
}

// load makes what is missing in a new file and reads the rest.
func (s *Store) load() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketMeta); err != nil {
			return err
		}
		switch version, err := number(tx, keySchema); {
		case err != nil:
			return err
		case version > SchemaVersion:
			return fmt.Errorf("it was written by a newer agent (layout %d, this one knows %d): run that agent, or move the file away to start empty", version, SchemaVersion)
		case version < SchemaVersion:
			if err := putNumber(tx, keySchema, SchemaVersion); err != nil {
				return err
			}
		}
		var err error
		if s.desired.Revision, err = number(tx, keyRevision); err != nil {
			return err
		}
		for kind, decode := range decoders() {
			if err := s.loadKind(tx, kind, decode); err != nil {
				return err
			}
		}
		ledger, err := tx.CreateBucketIfNotExists(bucketLedger)
		if err != nil {
			return err
		}
		return ledger.ForEach(func(name, data []byte) error {
			s.ledgers[string(name)] = append([]byte(nil), data...)
			return nil
		})
	})
}

func (s *Store) loadKind(tx *bbolt.Tx, kind spec.Kind, decode func([]byte) (any, error)) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(kind))
	if err != nil {
		return err
	}
	var changes []spec.Change
	err = bucket.ForEach(func(key, data []byte) error {
		value, err := decode(data)
		if err != nil {
			return fmt.Errorf("%s %q: %w", kind, key, err)
		}
		changes = append(changes, spec.Change{Kind: kind, Key: string(key), Value: value})
		return nil
	})
	if err != nil {
		return err
	}
	s.desired, err = s.desired.With(changes...)
	return err
}

func decode[T any](data []byte) (any, error) {
	var v T
	err := spec.Decode(data, &v)
	return v, err
}
