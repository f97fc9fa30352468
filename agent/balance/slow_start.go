package balance

import (
	"maps"
	"slices"
	"time"
)

// warming is a real server that has come up a short while ago, and whose weight grows.
type warming struct {
	since  time.Time
	weight int // of now
}

// warm returns what becomes of a server that is up and has its full weight a while after it came. Its weight
// grows in a straight line from 1. warms is false when it has it all.
func warm(since, now time.Time, slowStart time.Duration, full int) (is warming, warms bool) {
	passed := now.Sub(since)
	if full <= 1 || passed >= slowStart {
		return warming{}, false
	}
	return warming{since: since, weight: 1 + int(int64(full-1)*int64(max(0, passed)/time.Millisecond)/int64(slowStart/time.Millisecond))}, true
}

// warmStep is how often a weight that grows is made larger.
const warmStep = time.Second

// warming is where weights grow.
func (b *Balancer) warming() scope {
	return named(slices.Collect(maps.Keys(b.view.remembered.warming))...)
}
