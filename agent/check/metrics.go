package check

import (
	"slices"
	"time"
)

// Metrics is what was counted since the start, over all checks.
type Metrics struct {
	Rounds  uint64 // that have ended
	Skipped uint64 // rounds left out because the one before was not over in time
	Stuck   uint64 // rounds that did not end at their timeout
	// UnderWay is how many rounds go on now, and Limit how many may.
	UnderWay, Limit int
	// Series is how many checks there are of which none is equal to another.
	Series int
	// Lateness is how much later than due rounds began.
	Lateness Lateness
}

// Lateness is a histogram in Prometheus' form, in parts of each check's own interval.
type Lateness struct {
	Count uint64
	Sum   float64
	// Buckets has, by upper bound, how many were at most that late.
	Buckets map[float64]uint64
}

// latenessBounds are the upper bounds of the buckets. A check that is later than by a tenth of its interval
// is one that the machine is too slow for.
func latenessBounds() [numLatenessBounds]float64 {
	return [...]float64{0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1}
}

const numLatenessBounds = 8

// tally counts. The Checker's lock guards it.
type tally struct {
	rounds, skipped, stuck uint64
	late                   [numLatenessBounds + 1]uint64 // the last is what is above all bounds
	lateSum                float64
}

func (t *tally) begun(late, interval time.Duration) {
	part := max(0, late.Seconds()/interval.Seconds())
	bounds := latenessBounds()
	bucket, _ := slices.BinarySearch(bounds[:], part)
	t.late[bucket]++
	t.lateSum += part
}

func (t *tally) lateness() Lateness {
	l := Lateness{Sum: t.lateSum, Buckets: make(map[float64]uint64, numLatenessBounds)}
	for i, bound := range latenessBounds() {
		l.Count += t.late[i]
		l.Buckets[bound] = l.Count
	}
	l.Count += t.late[numLatenessBounds]
	return l
}

// Metrics returns what was counted so far.
func (c *Checker) Metrics() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Metrics{
		Rounds: c.tally.rounds, Skipped: c.tally.skipped, Stuck: c.tally.stuck,
		UnderWay: c.underWay(), Limit: c.limit, Series: len(c.series), Lateness: c.tally.lateness(),
	}
}
