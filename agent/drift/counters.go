// Package drift counts what it takes to keep a part of the kernel as it is wanted. It does not know which
// part that is, nor how it is kept so.
package drift

import (
	"maps"
	"sync"
)

// Metrics is what was counted since the start.
type Metrics struct {
	// Writes is the number of changes that were sent to the kernel.
	Writes uint64
	// Drift is the number of differences that somebody else made, by field.
	Drift map[string]uint64
	// Failures is the number of passes that could not make the kernel what is wanted.
	Failures uint64
}

// Counters count. Their zero value has counted nothing. Their methods may be called by several goroutines.
type Counters struct {
	mu sync.Mutex
	m  Metrics
}

// Wrote counts changes that were sent to the kernel.
func (c *Counters) Wrote(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.Writes += uint64(n)
}

// Failed counts a pass that failed.
func (c *Counters) Failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.Failures++
}

// Drifted counts a difference in a field.
func (c *Counters) Drifted(field string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m.Drift == nil {
		c.m.Drift = map[string]uint64{}
	}
	c.m.Drift[field]++
}

// Metrics returns what was counted so far.
func (c *Counters) Metrics() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.m
	m.Drift = maps.Clone(m.Drift)
	return m
}
