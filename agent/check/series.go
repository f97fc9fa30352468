package check

import (
	"container/heap"
	"errors"
	"time"
)

// series is round after round of one check. Targets that are checked equally share it, and each counts its
// results in its own way. The Checker's lock guards it.
type series struct {
	subject subject
	round   round
	targets []*target

	// due is when the next round begins; of one that is under way, when it ought to be over.
	due   time.Time
	place int // in the timetable that it is in
	// begun is when the round under way was due, by which the rhythm goes; late is how much later it began.
	begun time.Time
	// end ends the round under way, which comes home with that cause; nil while there is none.
	end func(cause error)
	// timed says that Run has to end the round under way at its timeout, for nobody else does.
	timed bool
	// stuck says that the round under way is so late that it no longer counts among those there may be.
	stuck bool
	last  result
}

// result is how a round ended.
type result struct {
	at   time.Time // zero before the first
	took time.Duration
	err  error
	// weight is what a pass said of the server's weight; nil is nothing.
	weight *int
}

func newResult(at time.Time, took time.Duration, err error) result {
	if weight, passed := errors.AsType[Weight](err); passed {
		w := int(weight)
		return result{at: at, took: took, weight: &w}
	}
	return result{at: at, took: took, err: err}
}

// join has a target count the results, from the last one on: it is no older than an interval.
func (s *series) join(t *target) (changed bool) {
	s.targets = append(s.targets, t)
	t.series = s
	if s.last.at.IsZero() {
		return false
	}
	t.weigh(s.last)
	return t.record(s.last)
}

// leave ends that, and reports whether nobody is left.
func (s *series) leave(t *target) (abandoned bool) {
	for i, other := range s.targets {
		if other == t {
			last := len(s.targets) - 1
			s.targets[i], s.targets[last] = s.targets[last], nil
			s.targets = s.targets[:last]
			break
		}
	}
	t.series = nil
	return len(s.targets) == 0
}

// schedule says when the round after that which ended now begins, and how many are left out because their time
// has passed. Rounds keep their rhythm. A check that runs into a timeout as long as its interval is over a
// moment too late for the next one, which then begins late: left out is what would begin later than by an
// eighth of the interval.
func (s *series) schedule(now time.Time, gap time.Duration) (skipped int) {
	s.due = s.begun.Add(gap)
	interval := s.round.interval
	if late := now.Sub(s.due) - interval/8; late > 0 {
		skipped = int((late + interval - 1) / interval)
		s.due = s.due.Add(time.Duration(skipped) * interval)
	}
	return skipped
}

// timetable is series by the time at which they are due.
type timetable []*series

// next returns the series that is due first; nil when there is none.
func (t timetable) next() *series {
	if len(t) == 0 {
		return nil
	}
	return t[0]
}

func (t *timetable) add(s *series)    { heap.Push((*byDue)(t), s) }
func (t *timetable) remove(s *series) { heap.Remove((*byDue)(t), s.place) }

// put gives a series of the timetable another time.
func (t *timetable) put(s *series, due time.Time) {
	s.due = due
	heap.Fix((*byDue)(t), s.place)
}

// byDue implements heap.Interface.
type byDue timetable

func (h byDue) Len() int           { return len(h) }
func (h byDue) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h byDue) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *byDue) Push(x any) {
	s := x.(*series)
	s.place = len(*h)
	*h = append(*h, s)
}

func (h *byDue) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return s
}
