package tune

import (
	"maps"
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Metrics is what a Tuner has counted since it was made.
type Metrics struct {
	// Writes is the number of changes that were sent to the kernel.
	Writes uint64
	// Drift is the number of settings that somebody else changed, by field.
	Drift map[string]uint64
	// Failures is the number of passes that could not make the settings what is wanted.
	Failures uint64
}

type counters struct {
	mu sync.Mutex
	m  Metrics
}

func (c *counters) wrote(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.Writes += uint64(n)
}

func (c *counters) failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.Failures++
}

func (c *counters) drifted(d spec.Drift) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m.Drift == nil {
		c.m.Drift = map[string]uint64{}
	}
	c.m.Drift[d.Field]++
}

// Metrics returns what was counted so far.
func (t *Tuner) Metrics() Metrics {
	t.counters.mu.Lock()
	defer t.counters.mu.Unlock()
	m := t.counters.m
	m.Drift = maps.Clone(m.Drift)
	return m
}
