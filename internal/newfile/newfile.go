// Package newfile writes files that hold secrets and have to be there after a power cut. It knows nothing of what is in them.
package newfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Create makes a file that only its owner may read, with that content. One that is there already is an fs.ErrExist. When
// Create returns, content and name are on disk, or, with an error, there is no such file.
func Create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// SyncFolder has the names in a folder outlive a power cut.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
