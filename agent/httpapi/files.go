package httpapi

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lookAtFiles is how long a file that was changed may go unnoticed.
const lookAtFiles = time.Second

// reread holds what was made of some files, and makes it anew when they change. What cannot be read then is said
// once, and what there was stays: a file that is half written must lock nobody out.
type reread[T any] struct {
	paths  []string
	load   func() (T, error)
	failed func(error)

	mu     sync.Mutex
	value  T
	stamps []stamp
	looked time.Time
}

// stamp tells one content of a file from the next: also a file that took another's place within the clock's grain, and one
// that may be read now because its mode or owner is another.
type stamp struct {
	size     int64
	modified time.Time
	changed  unix.Timespec // ctime
	info     os.FileInfo
}

// newReread loads the files for the first time. They are looked at when they are asked for, at most once a second.
func newReread[T any](load func() (T, error), failed func(error), paths ...string) (*reread[T], error) {
	r := &reread[T]{paths: paths, load: load, failed: failed, looked: time.Now()}
	r.stamps = r.look()
	var err error
	r.value, err = load()
	return r, err
}

// get returns what the files say now.
func (r *reread[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) >= lookAtFiles {
		r.looked = time.Now()
		if stamps := r.look(); !same(r.stamps, stamps) {
			r.stamps = stamps
			if err := r.again(); err != nil && r.failed != nil {
				r.failed(err)
			}
		}
	}
	return r.value
}

// now loads the files, changed or not.
func (r *reread[T]) now() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stamps, r.looked = r.look(), time.Now()
	return r.again()
}

func (r *reread[T]) again() error {
	value, err := r.load()
	if err == nil {
		r.value = value
	}
	return err
}

func (r *reread[T]) look() []stamp {
	stamps := make([]stamp, len(r.paths))
	for i, path := range r.paths {
		if info, err := os.Stat(path); err == nil {
			stamps[i] = stamp{info.Size(), info.ModTime(), unix.Timespec(info.Sys().(*syscall.Stat_t).Ctim), info}
		}
	}
	return stamps
}

func same(a, b []stamp) bool {
	for i := range a {
		if a[i].size != b[i].size || !a[i].modified.Equal(b[i].modified) || a[i].changed != b[i].changed || (a[i].info != nil && b[i].info != nil && !os.SameFile(a[i].info, b[i].info)) {
			return false
		}
	}
	return true
}
