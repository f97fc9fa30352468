package vrrp

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Traces are what a process leaves for the next one when it is killed: when each instance sent its last advert, so
// that one that is back before the others have missed it goes on where it was, and the last verdict on what instances
// track. They are times of CLOCK_BOOTTIME in a file that is mapped into memory, which costs an advert one store and no
// system call. The file belongs on a tmpfs such as /run: it must not outlive the boot, and no disk may stand before
// an advert.
//
// Nil Traces keep nothing.
type Traces struct {
	mu    sync.Mutex
	slots []traceSlot
	// taken are the slots that were handed out.
	taken map[int]bool
}

// traceSlot is one in the file. A key of 0 is a free one.
type traceSlot struct {
	key uint64
	// last is 0 while there is nothing to remember: an instance is not active, a thing is not tracked.
	last atomic.Int64
}

// traceSlots is more than there are virtual routers on the interfaces of a director, and things that they track.
const traceSlots = 4096

// OpenTraces opens the file at path, or makes it. One process at a time may have it open.
func OpenTraces(path string) (_ *Traces, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err // it has the path
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const size = traceSlots * int(unsafe.Sizeof(traceSlot{}))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	// Populated, so that no advert waits for a page.
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map %s into memory: %w", path, err)
	}
	return &Traces{slots: unsafe.Slice((*traceSlot)(unsafe.Pointer(&data[0])), traceSlots), taken: map[int]bool{}}, nil
}

// of returns where the time of a key is kept. It stays mapped until the process ends, and the same key finds it
// again. A full file gives one that nobody will find.
func (t *Traces) of(key string) *atomic.Int64 {
	if t == nil {
		return new(atomic.Int64)
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(key)) // a hash takes everything
	t.mu.Lock()
	defer t.mu.Unlock()
	free := -1
	for i := range t.slots {
		switch {
		case t.slots[i].key == sum.Sum64():
			t.taken[i] = true
			return &t.slots[i].last
		case free < 0 && !t.taken[i] && t.slots[i].last.Load() == 0:
			free = i
		}
	}
	if free < 0 {
		return new(atomic.Int64)
	}
	t.taken[free] = true
	t.slots[free].key = sum.Sum64()
	return &t.slots[free].last
}
