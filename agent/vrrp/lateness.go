package vrrp

import (
	"sync/atomic"
	"time"
)

// latenessBounds are the upper bounds of the buckets in which lateness is counted. The finest tells a
// thread that has a core for itself, the coarsest one that makes others take over at any interval.
func latenessBounds() [numLatenessBounds]time.Duration {
	return [...]time.Duration{
		20 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond,
		time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
		25 * time.Millisecond, 100 * time.Millisecond, time.Second,
	}
}

const numLatenessBounds = 11

// lateness counts how much later than due adverts left. It is written by the machines' thread, without a
// lock and without allocating, and read by anybody.
type lateness struct {
	// counts has one more than there are bounds: what is above all of them.
	counts [numLatenessBounds + 1]atomic.Uint64
	sum    atomic.Int64 // ns
}

func (l *lateness) observe(late time.Duration) {
	bucket := numLatenessBounds
	for i, bound := range latenessBounds() {
		if late <= bound {
			bucket = i
			break
		}
	}
	l.counts[bucket].Add(1)
	l.sum.Add(int64(late))
}

// Lateness is how much later than due adverts left, over all instances: a histogram in Prometheus' form.
type Lateness struct {
	Count uint64
	Sum   time.Duration
	// Buckets has, by upper bound, how many were at most that late.
	Buckets map[time.Duration]uint64
}

func (l *lateness) snapshot() Lateness {
	s := Lateness{Sum: time.Duration(l.sum.Load()), Buckets: make(map[time.Duration]uint64, numLatenessBounds)}
	for i, bound := range latenessBounds() {
		s.Count += l.counts[i].Load()
		s.Buckets[bound] = s.Count
	}
	s.Count += l.counts[numLatenessBounds].Load()
	return s
}
