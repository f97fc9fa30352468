package event

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// named returns events that can be told apart.
func named(names ...string) []spec.Event {
	var events []spec.Event
	for _, name := range names {
		events = append(events, spec.Event{Name: name})
	}
	return events
}

// read renders what a reader gets: "4:a 5:b", "wait" or "gone".
func read(l *Log, after uint64) string {
	events, more, ok := l.Read(after)
	switch {
	case !ok:
		return "gone"
	case more != nil:
		return "wait"
	}
	text := ""
	for _, e := range events {
		text += fmt.Sprintf(" %d:%s", e.Revision, e.Name)
	}
	return text[1:]
}

func TestReadReturnsWhatCameAfterOrSaysThatItIsGone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start  uint64
		events []spec.Event
		// want is by revision, from 0.
		want   []string
		status spec.EventsStatus
	}{
		"nothing yet": {
			want: []string{"wait", "gone"},
		},
		"room is left": {
			events: named("a", "b"), want: []string{"1:a 2:b", "2:b", "wait", "gone"},
			status: spec.EventsStatus{Revision: 2},
		},
		"full": {
			events: named("a", "b", "c"), want: []string{"1:a 2:b 3:c", "2:b 3:c", "3:c", "wait", "gone"},
			status: spec.EventsStatus{Revision: 3},
		},
		"the first are gone": {
			events: named("a", "b", "c", "d", "e"), want: []string{"gone", "gone", "3:c 4:d 5:e", "4:d 5:e", "5:e", "wait", "gone"},
			status: spec.EventsStatus{Revision: 5, Compacted: 2},
		},
		"an earlier process counted up to 3": {
			start: 3, want: []string{"gone", "gone", "gone", "wait", "gone"},
			status: spec.EventsStatus{Revision: 3, Compacted: 3},
		},
		"the first are gone of a later process": {
			start: 3, events: named("a", "b", "c", "d"), want: []string{"gone", "gone", "gone", "gone", "5:b 6:c 7:d", "6:c 7:d", "7:d", "wait", "gone"},
			status: spec.EventsStatus{Revision: 7, Compacted: 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := New(3, tt.start)
			l.Publish(tt.events...)
			var got []string
			for after := range tt.want {
				got = append(got, read(l, uint64(after)))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Read (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.status, l.Status()); diff != "" {
				t.Errorf("Status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSinceFindsTheLastOfAType(t *testing.T) {
	t.Parallel()
	l := New(4, 0)
	for i, what := range []spec.EventType{"a", "b", "a", "b", "a", "a"} {
		l.Publish(spec.Event{Type: what, Time: time.Unix(int64(i), 0)})
	}
	for from, want := range map[int64][]uint64{0: {6, 5, 3}, 3: {6, 5}, 6: nil} {
		var got []uint64
		for _, e := range l.Since(time.Unix(from, 0), "a") {
			got = append(got, e.Revision)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("since %d (-want +got):\n%s", from, diff)
		}
	}
}

func TestPublishWakesWhoWaitsAndGivesATime(t *testing.T) {
	t.Parallel()
	l := New(1, 0)
	_, first, _ := l.Read(0)
	_, second, _ := l.Read(0)
	before := time.Now()
	l.Publish(spec.Event{}, spec.Event{Time: time.Unix(7, 0)})
	<-first
	<-second
	if events, _, _ := l.Read(1); !events[0].Time.Equal(time.Unix(7, 0)) {
		t.Errorf("the time is %v, want the one that it had", events[0].Time)
	}
	l.Publish(spec.Event{})
	if events, _, _ := l.Read(2); events[0].Time.Before(before.Round(0)) {
		t.Errorf("the time is %v, want now", events[0].Time)
	}
	l.Publish() // nothing
	if got := l.Status().Revision; got != 3 {
		t.Errorf("revision %d, want 3", got)
	}
}

// Readers of all speeds beside several writers: whoever is not told that events are gone has seen all of
// them.
func TestEveryReaderSeesAGaplessSuffixOrIsTold(t *testing.T) {
	t.Parallel()
	const writers, each, start = 4, 2000, 10
	l := New(64, start)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := range each {
				l.Publish(named("a", "b")[:1+i%2]...)
			}
		})
	}
	const last = start + writers*each*3/2
	for speed := range 4 {
		all.Go(func() {
			for after, told := uint64(start), 0; after < last; {
				events, more, ok := l.Read(after)
				switch {
				case !ok:
					told++
					after = l.Status().Compacted
				case more != nil:
					<-more
				}
				for _, e := range events {
					if after++; e.Revision != after {
						t.Errorf("read %d, want %d", e.Revision, after)
						return
					}
				}
				time.Sleep(time.Duration(speed) * time.Microsecond)
			}
		})
	}
	all.Wait()
}

// FuzzLog compares with a log that keeps everything: each byte publishes so many events, and the reader
// looks after each with the cursor that the byte before left it.
func FuzzLog(f *testing.F) {
	f.Add(uint8(3), uint16(0), []byte{1, 2, 3, 0, 9})
	f.Add(uint8(0), uint16(7), []byte{0, 1})
	f.Fuzz(func(t *testing.T, capacity uint8, start uint16, steps []byte) {
		l := New(int(capacity), uint64(start))
		kept, last, cursor := uint64(max(capacity, 1)), uint64(start), uint64(start)
		for _, step := range steps {
			l.Publish(make([]spec.Event, step)...)
			last += uint64(step)
			gone := max(uint64(start), last-min(last, kept))
			if diff := cmp.Diff(spec.EventsStatus{Revision: last, Compacted: gone}, l.Status()); diff != "" {
				t.Fatalf("Status (-want +got):\n%s", diff)
			}
			events, more, ok := l.Read(cursor)
			if ok != (cursor >= gone) || (more != nil) != (ok && cursor == last) || (len(events) > 0) != (ok && cursor < last) {
				t.Fatalf("cursor %d of %d to %d: %d events, more %v, ok %v", cursor, gone, last, len(events), more != nil, ok)
			}
			if !ok {
				cursor = gone
				continue
			}
			for _, e := range events {
				if cursor++; e.Revision != cursor {
					t.Fatalf("read %d, want %d", e.Revision, cursor)
				}
			}
		}
	})
}

// A reader goes on in the next process where it was, and misses nothing.
func TestLogGoesOnWhereThatOfAnotherProcessWas(t *testing.T) {
	t.Parallel()
	earlier := New(3, 40)
	earlier.Publish(named("a", "b", "c", "d")...)
	next := New(3, 1000)
	next.Publish(named("x")...)
	next.Succeed(earlier.Kept())
	for after, want := range map[uint64]string{41: "gone", 42: "43:c 44:d 45:x", 44: "45:x", 45: "wait", 1001: "gone"} {
		if got := read(next, after); got != want {
			t.Errorf("after %d: %s, want %s", after, got, want)
		}
	}
	next.Publish(named("y")...)
	if got := read(next, 44); got != "45:x 46:y" {
		t.Error(got)
	}
	empty := New(3, 1000)
	empty.Succeed(New(3, 40).Kept())
	empty.Publish(named("z")...)
	if got := read(empty, 40); got != "41:z" {
		t.Error(got)
	}
}
