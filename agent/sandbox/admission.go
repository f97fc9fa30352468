package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// admission decides which programs may run: regular files inside one folder that nobody can replace or
// edit but root and the agent itself. A program that an ordinary user could change would be that user's
// way to run as scripts.user, and to decide who gets traffic.
type admission struct {
	directory string // scripts.directory
	self      uint32 // the agent's own user
}

// admit returns the file that a command's path leads to, or why it may not run and how to mend that.
func (a admission) admit(path string) (string, fs.FileInfo, error) {
	if !filepath.IsAbs(path) {
		return "", nil, fmt.Errorf("%q is not an absolute path", path)
	}
	directory, err := filepath.EvalSymlinks(a.directory)
	if err != nil {
		return "", nil, fmt.Errorf("scripts.directory %s: %s on this director: create it, owned by root, with mode 0755", a.directory, plain(err))
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %s on this director: put the program there", path, plain(err))
	}
	// The file that a link leads to is what counts and what runs. The link itself may stand anywhere:
	// whoever can bend it can only choose among programs that are admitted in their own right.
	inside, err := filepath.Rel(directory, file)
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		return "", nil, fmt.Errorf("%s is outside %s, the agent's scripts.directory: put the program itself there", file, a.directory)
	}
	if err := a.reachedSafely(directory); err != nil {
		return "", nil, err
	}
	var info fs.FileInfo
	step := directory
	for _, name := range append([]string{"."}, strings.Split(inside, "/")...) {
		step = filepath.Join(step, name)
		if info, err = os.Lstat(step); err != nil {
			return "", nil, fmt.Errorf("%s: %s", step, plain(err))
		}
		if err := a.guarded(step, info); err != nil {
			return "", nil, err
		}
	}
	switch {
	case info.IsDir():
		return "", nil, fmt.Errorf("%s is a folder: name a program in it", file)
	case !info.Mode().IsRegular():
		return "", nil, fmt.Errorf("%s is not a regular file: put the program itself there", file)
	case info.Mode().Perm()&0o111 == 0:
		return "", nil, fmt.Errorf("%s is not executable: chmod 0755 %s", file, file)
	}
	return file, info, nil
}

// reachedSafely reports whether others could put another folder in the place of one, or of one above it.
func (a admission) reachedSafely(directory string) error {
	for above := filepath.Dir(directory); ; above = filepath.Dir(above) {
		info, err := os.Lstat(above)
		if err != nil {
			return fmt.Errorf("%s: %s", above, plain(err))
		}
		if err := a.holdsStill(above, info); err != nil || above == "/" {
			return err
		}
	}
}

// holdsStill reports whether others could move what a folder at path holds. In a sticky folder, such as /tmp, nobody moves
// what is not his own, but for the folder's owner.
func (a admission) holdsStill(path string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSticky != 0 {
		return a.owned(path, info)
	}
	return a.guarded(path, info)
}

// guarded reports whether others could change what stands at path.
func (a admission) guarded(path string, info fs.FileInfo) error {
	if err := a.owned(path, info); err != nil {
		return err
	}
	// An access control list that lets others write shows as writable by the group, too.
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s can be changed by others (mode %#o): chmod go-w %s", path, mode, path)
	}
	return nil
}

// owned reports whether what stands at path is somebody else's.
func (a admission) owned(path string, info fs.FileInfo) error {
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 && owner != a.self {
		return fmt.Errorf("%s belongs to user id %d: chown root %s", path, owner, path)
	}
	return nil
}

// plain returns the innermost text of an error of the file system.
func plain(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "does not exist"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
