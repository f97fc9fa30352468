package store

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// decoders returns, for each kind of object, and so for each bucket of objects, how to read one.
func decoders() map[spec.Kind]func([]byte) (any, error) {
	return map[spec.Kind]func([]byte) (any, error){
		spec.KindVRRPInstance:    decode[spec.VRRPInstance],
		spec.KindVirtualServer:   decode[spec.VirtualServer],
		spec.KindRealServer:      decode[spec.RealServer],
		spec.KindDrain:           decode[spec.Drain],
		spec.KindRealServerGroup: decode[spec.Owned],
		spec.KindCreation:        decode[spec.Creation],
		spec.KindCheckScript:     decode[spec.CheckScript],
		spec.KindIPVSSettings:    decode[spec.IPVSSettings],
	}
}

func decode[T any](data []byte) (any, error) {
	var v T
	err := spec.Decode(data, &v)
	return v, err
}

// load checks the file, brings it to this layout, and reads it.
func (s *Store) load(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return explain(path, err)
	}
	tree := &pages{data: data, size: s.db.Info().PageSize, seen: map[uint64]bool{}}
	if err := guard(func() error { return s.db.View(func(tx *bbolt.Tx) error { return verify(tx, tree) }) }); err != nil {
		return explain(path, err)
	}
	if len(tree.heads()) < 2 {
		s.warnings = append(s.warnings, fmt.Sprintf("one of the two heads of %s is damaged, and the other one counts: the change that was made last may be missing: look at terraform plan", path))
	}
	if err := migrate(s.db, migrations()); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := s.db.View(s.read); err != nil {
		return fmt.Errorf("read %s: %w: it was written by another version of lvs-agent: run that one, or put a backup back with lvs-agent restore", path, err)
	}
	return nil
}

// verify finds out whether the file, of those pages, is as it was written. That bbolt fell back on the head before the
// last is not to be told from a write that a power cut ended, and so no damage.
func verify(tx *bbolt.Tx, tree *pages) error {
	heads := tree.heads()
	at := slices.IndexFunc(heads, func(h head) bool { return h.transaction == uint64(tx.ID()) })
	if at < 0 {
		return fmt.Errorf("it has no head of transaction %d", tx.ID())
	}
	if err := tree.checkFreelist(heads[at]); err != nil {
		return err
	}
	if err := tree.walk(uint64(tx.Cursor().Bucket().Root())); err != nil {
		return err
	}
	got, err := sum(tx)
	if err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return fmt.Errorf("it is a bbolt file of some other program")
	}
	if want := meta.Get(keyChecksum); want != nil && !bytes.Equal(want, got[:]) {
		if version, err := number(tx, keySchema); err == nil && version > SchemaVersion {
			return nil // it may count in another way
		}
		return fmt.Errorf("its checksum is not that of its contents")
	}
	var first error
	for err := range tx.Check() {
		first = cmp.Or(first, err)
	}
	return first
}

// read fills the state and the ledgers.
func (s *Store) read(tx *bbolt.Tx) error {
	var err error
	if s.desired.Revision, err = number(tx, keyRevision); err != nil {
		return err
	}
	known := [][]byte{bucketMeta, bucketLedger, bucketNotifications}
	for kind, decode := range decoders() {
		known = append(known, []byte(kind))
		if err := s.readKind(tx, kind, decode); err != nil {
			return err
		}
	}
	if err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		if !slices.ContainsFunc(known, func(k []byte) bool { return bytes.Equal(k, name) }) {
			return fmt.Errorf("it holds %q", name)
		}
		return nil
	}); err != nil {
		return err
	}
	return tx.Bucket(bucketLedger).ForEach(func(name, data []byte) error {
		s.ledgers[string(name)] = bytes.Clone(data)
		return nil
	})
}

func (s *Store) readKind(tx *bbolt.Tx, kind spec.Kind, decode func([]byte) (any, error)) error {
	var changes []spec.Change
	err := tx.Bucket([]byte(kind)).ForEach(func(key, data []byte) error {
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
