// Package event keeps what happened on a director lately, numbered, for readers that come and go.
//
// It is pull alone: a reader has a cursor, asks what came after it, and is told when its cursor points
// at what is gone. So nobody who tells of an event ever waits for a reader, and a reader that sleeps costs
// nothing. The package knows neither where events come from nor how they are sent on.
package event

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Capacity is how many events a director keeps: those of a pool of 5,000 servers that goes down and comes up
// again, with room to spare. They are some megabytes.
const Capacity = 1 << 14

// Log keeps the last events in memory. Its methods may be called from several goroutines.
type Log struct {
	capacity uint64
	// start is the revision before the first event.
	start uint64

	mu sync.Mutex
	// ring has the event of a revision at place(revision). It grows up to capacity.
	ring []spec.Event
	// revision is that of the last event.
	revision uint64
	// more is closed by the next Publish; nil while nobody waits for it.
	more chan struct{}
}

// New returns a Log without events that keeps the last capacity of them, at least 1, and numbers the first
// revision+1.
func New(capacity int, revision uint64) *Log {
	return &Log{capacity: uint64(max(capacity, 1)), start: revision, revision: revision}
}

// Publish numbers the events, keeps them, and wakes who waits for them. It never waits itself. An event
// without a time happens now.
func (l *Log) Publish(events ...spec.Event) {
	if len(events) == 0 {
		return
	}
	now := time.Now().Round(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		l.revision++
		e.Revision = l.revision
		e.Reason = strings.ToValidUTF8(e.Reason, "\uFFFD") // it may be what a real server answered
		if e.Time.IsZero() {
			e.Time = now
		}
		if i := l.place(e.Revision); i == len(l.ring) {
			l.ring = append(l.ring, e)
		} else {
			l.ring[i] = e
		}
	}
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// Kept returns what is kept, in order, and the revision of the last event, for the log of the process that comes next.
func (l *Log) Kept() (events []spec.Event, revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := l.compacted() + 1; r <= l.revision; r++ {
		events = append(events, l.ring[l.place(r)])
	}
	return events, l.revision
}

// Succeed puts what an earlier process told before what was told here, and goes on with its numbers. It is called before
// anybody reads: what was told here gets other ones.
func (l *Log) Succeed(earlier []spec.Event, revision uint64) {
	own, _ := l.Kept()
	l.mu.Lock()
	earlier = earlier[max(0, len(earlier)-int(l.capacity)):] // #nosec G115 -- a number of events
	l.ring, l.revision = slices.Clone(earlier), revision
	l.start = revision - uint64(len(earlier))
	l.mu.Unlock()
	l.Publish(own...)
}

// batch is how many events Read returns at most, so that nobody holds the lock for long.
const batch = 256

// Read returns the first events after a revision, in order and without a gap. When there are none, more is
// closed as soon as there are. ok is false when the revision is none of ours, or events after it are gone.
func (l *Log) Read(after uint64) (events []spec.Event, more <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after < l.compacted() || after > l.revision {
		return nil, nil, false
	}
	if after == l.revision {
		if l.more == nil {
			l.more = make(chan struct{})
		}
		return nil, l.more, true
	}
	for r := after + 1; r <= min(l.revision, after+batch); r++ {
		events = append(events, l.ring[l.place(r)])
	}
	return events, nil, true
}

// Since returns the events of a type from a time on, the last first. It looks at as many as there were
// since then.
func (l *Log) Since(from time.Time, of spec.EventType) []spec.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []spec.Event
	for r := l.revision; r > l.compacted(); r-- {
		e := l.ring[l.place(r)]
		if e.Time.Before(from) {
			break
		}
		if e.Type == of {
			found = append(found, e)
		}
	}
	return found
}

// Status says what Read can answer.
func (l *Log) Status() spec.EventsStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return spec.EventsStatus{Revision: l.revision, Compacted: l.compacted()}
}

// compacted returns the revision of the last event that is gone.
func (l *Log) compacted() uint64 { return l.revision - uint64(len(l.ring)) }

// place returns where in the ring the event of a revision belongs.
func (l *Log) place(revision uint64) int { return int((revision - l.start - 1) % l.capacity) }
