package newfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestCreatedFileIsItsOwnersAloneAndOverwritesNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := Create(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := Create(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over one that is there: %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "one" {
		t.Errorf("it says %q, %v", data, err)
	}
}

func TestFolderThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	if err := Create(filepath.Join(t.TempDir(), "none", "secret"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
