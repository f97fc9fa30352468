package store

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// checksum is over all entries of a file: the exclusive or of their hashes. So a change costs as much as it is
// large, and what is lost, altered or added by anybody else shows.
type checksum [sha256.Size]byte

// toggle adds an entry, or takes it out again.
func (c *checksum) toggle(bucket, key, value []byte) {
	h := sha256.New()
	for _, part := range [][]byte{bucket, key, value} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		h.Write(part)
	}
	subtle.XORBytes(c[:], c[:], h.Sum(nil))
}

// writer writes entries of a transaction and keeps the checksum.
type writer struct {
	tx  *bbolt.Tx
	sum checksum
}

func inTransaction(db *bbolt.DB, f func(*writer) error) error {
	return db.Update(func(tx *bbolt.Tx) error {
		w := &writer{tx: tx}
		meta := tx.Bucket(bucketMeta)
		copy(w.sum[:], meta.Get(keyChecksum))
		if err := f(w); err != nil {
			return err
		}
		return meta.Put(keyChecksum, w.sum[:])
	})
}

// change writes one object, or takes it out.
func (w *writer) change(c spec.Change) error {
	if c.Value == nil {
		return w.put([]byte(c.Kind), []byte(c.Key), nil)
	}
	data, err := spec.EncodeWithSecrets(c.Value) // the file is its owner's only
	if err != nil {
		return err
	}
	return w.put([]byte(c.Kind), []byte(c.Key), data)
}

func (w *writer) putNumber(key []byte, n uint64) error {
	return w.put(bucketMeta, key, strconv.AppendUint(nil, n, 10))
}

// put sets an entry; a nil value takes it out.
func (w *writer) put(bucket, key, value []byte) error {
	b := w.tx.Bucket(bucket)
	if b == nil {
		return fmt.Errorf("the file has no room for a %s", bucket)
	}
	if before := b.Get(key); before != nil {
		w.sum.toggle(bucket, key, before)
	}
	if value == nil {
		return b.Delete(key)
	}
	w.sum.toggle(bucket, key, value)
	return b.Put(key, value)
}

// empty takes all entries out of a bucket.
func (w *writer) empty(bucket []byte) error {
	var keys [][]byte
	if err := w.tx.Bucket(bucket).ForEach(func(key, _ []byte) error {
		keys = append(keys, bytes.Clone(key))
		return nil
	}); err != nil {
		return err
	}
	for _, key := range keys {
		if err := w.put(bucket, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// number reads a number of the meta bucket; one that is not there yet is 0.
func number(tx *bbolt.Tx, key []byte) (uint64, error) {
	data := tx.Bucket(bucketMeta).Get(key)
	if data == nil {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(data), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return n, nil
}

// sum computes the checksum of what is in a file.
func sum(tx *bbolt.Tx) (checksum, error) {
	var c checksum
	err := tx.ForEach(func(bucket []byte, b *bbolt.Bucket) error {
		meta := bytes.Equal(bucket, bucketMeta)
		return b.ForEach(func(key, value []byte) error {
			if value == nil {
				return errors.New("a bucket inside another")
			}
			if !meta || !bytes.Equal(key, keyChecksum) {
				c.toggle(bucket, key, value)
			}
			return nil
		})
	})
	return c, err
}
