package store

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// SchemaVersion is the version of the file's layout that this code writes.
//
//	1  a bucket for each kind of object, ledgers, meta
//	2  a checksum over all entries, in meta
const SchemaVersion = 2

// Buckets and keys of the file, beside a bucket for each kind of object.
var (
	bucketMeta   = []byte("meta")
	bucketLedger = []byte("ledger")
	keySchema    = []byte("schema_version")
	keyRevision  = []byte("revision")
	keyChecksum  = []byte("checksum")
)

// migration brings a file from one layout to the next.
type migration func(*writer) error

// migrations are all of them; the first is from layout 1 to 2. A layout that has been released is never edited.
func migrations() []migration {
	return []migration{
		addChecksum,
	}
}

func addChecksum(w *writer) (err error) {
	w.sum, err = sum(w.tx)
	return err
}

// migrate runs what a file has not seen yet, all in one transaction, and makes room for the kinds of object that came
// without another layout. A file of a newer layout is refused.
func migrate(db *bbolt.DB, all []migration) error {
	newest := uint64(len(all)) + 1
	if upToDate(db, newest) {
		return nil // an agent starts on a full disk, too
	}
	return inTransaction(db, func(w *writer) error {
		version, err := number(w.tx, keySchema)
		switch {
		case err != nil:
			return err
		case version > newest:
			return fmt.Errorf("it was written by a newer agent (layout %d, this one knows %d): run that agent, or put a backup of this one's back with lvs-agent restore", version, newest)
		case version == 0:
			return fmt.Errorf("it has no layout")
		}
		for ; version < newest; version++ {
			if err := all[version-1](w); err != nil {
				return fmt.Errorf("bring it from layout %d to %d: %w", version, version+1, err)
			}
			if err := w.putNumber(keySchema, version+1); err != nil {
				return err
			}
		}
		return makeBuckets(w.tx)
	})
}

// inNewFile writes what every file has, and then what fill writes.
func inNewFile(db *bbolt.DB, fill func(*bbolt.DB) error) error {
	if err := db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketMeta)
		return err
	}); err != nil {
		return err
	}
	if err := inTransaction(db, func(w *writer) error {
		if err := makeBuckets(w.tx); err != nil {
			return err
		}
		return w.putNumber(keySchema, SchemaVersion)
	}); err != nil {
		return err
	}
	return fill(db)
}

// upToDate reports whether a file has that layout and room for every kind of object.
func upToDate(db *bbolt.DB, newest uint64) (yes bool) {
	_ = db.View(func(tx *bbolt.Tx) error {
		version, err := number(tx, keySchema)
		yes = err == nil && version == newest && tx.Bucket(bucketLedger) != nil && tx.Bucket(bucketNotifications) != nil
		for kind := range decoders() {
			yes = yes && tx.Bucket([]byte(kind)) != nil
		}
		return nil
	})
	return yes
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketLedger, bucketNotifications} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	for kind := range decoders() {
		if _, err := tx.CreateBucketIfNotExists([]byte(kind)); err != nil {
			return err
		}
	}
	return nil
}
