package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNoRevisionOfAnEventIsToldTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	var got []uint64
	// A process that tells so many events, and whether it is stopped in order.
	for _, process := range []struct {
		events uint64
		killed bool
	}{{events: 3}, {events: 0}, {events: 5, killed: true}, {events: 1}, {}} {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		first, err := s.BeginEvents()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, first)
		if !process.killed {
			if err := s.EndEvents(first + process.events); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]uint64{0, 3, 3, 3 + reserved, 4 + reserved}, got); diff != "" {
		t.Errorf("first revisions (-want +got):\n%s", diff)
	}
}

func TestWithoutAFileEventsBeginAtZero(t *testing.T) {
	t.Parallel()
	s := InMemory()
	if err := s.EndEvents(7); err != nil {
		t.Fatal(err)
	}
	if first, err := s.BeginEvents(); first != 0 || err != nil {
		t.Errorf("%d, %v, want 0", first, err)
	}
}
