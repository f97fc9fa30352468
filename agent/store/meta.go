package store

import (
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

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

func putNumber(tx *bbolt.Tx, key []byte, n uint64) error {
	return tx.Bucket(bucketMeta).Put(key, strconv.AppendUint(nil, n, 10))
}
