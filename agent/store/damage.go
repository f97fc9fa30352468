package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/newfile"
)

// DamagedError says that a file is not what an agent wrote. Nothing of it was read, and it was not touched.
type DamagedError struct {
	Path string
	// Aside is where the file is if it was set aside; "" while it is at its path.
	Aside string
	// Reason is how it was found out.
	Reason string
}

// Error says what to do.
func (e *DamagedError) Error() string {
	what := e.Path + " is damaged"
	if e.Aside != "" {
		what += " (it is kept as " + e.Aside + ")"
	}
	return fmt.Sprintf("%s: %s: put a backup back with lvs-agent restore --from BACKUP, or begin without any state with lvs-agent restore --empty", what, e.Reason)
}

// asideSuffix is what the names of files that were set aside have behind the file's own, before the time.
const asideSuffix = ".damaged-"

// SetAside gives the damaged file another name beside its own, so that nobody begins anew in its place unawares: until
// Restore has put another there, Open says that it is damaged.
func (e *DamagedError) SetAside() error {
	if e.Aside != "" {
		return nil
	}
	aside := free(e.Path + asideSuffix + time.Now().UTC().Format("20060102T150405Z"))
	if err := os.Rename(e.Path, aside); err != nil {
		return fmt.Errorf("set the damaged file aside: %w", err)
	}
	e.Aside = aside
	return newfile.SyncFolder(filepath.Dir(e.Path))
}

// lastSetAside returns the file that was last set aside from path, or "".
func lastSetAside(path string) string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "" // opening will say it
	}
	prefix := filepath.Base(path) + asideSuffix
	var aside []string
	for _, e := range entries {
		if len(e.Name()) > len(prefix) && e.Name()[:len(prefix)] == prefix {
			aside = append(aside, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	if aside == nil {
		return ""
	}
	return slices.Max(aside)
}

// free returns a name that nothing has yet: the given one, or one that begins with it.
func free(name string) string {
	for n, candidate := 2, name; ; n++ {
		if _, err := os.Lstat(candidate); err != nil {
			return candidate
		}
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
}
