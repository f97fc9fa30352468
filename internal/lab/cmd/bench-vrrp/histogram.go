package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// histogram is one of Prometheus': how many were at most as much as each bound.
type histogram struct{ bounds, counts []float64 }

// readHistogram finds a histogram without labels in an agent's metrics.
func readHistogram(metrics, name string) (h histogram, err error) {
	for line := range strings.Lines(metrics) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name+`_bucket{le="`)
		if !ok {
			continue
		}
		bound, count, _ := strings.Cut(rest, `"} `)
		numbers := [2]float64{}
		for i, text := range []string{bound, count} {
			if numbers[i], err = strconv.ParseFloat(text, 64); err != nil {
				return histogram{}, fmt.Errorf("read %s: %w", line, err)
			}
		}
		h.bounds, h.counts = append(h.bounds, numbers[0]), append(h.counts, numbers[1])
	}
	if len(h.bounds) == 0 {
		return histogram{}, fmt.Errorf("the agent has no metric %s", name)
	}
	return h, nil
}

// since returns what was added to an earlier reading.
func (h histogram) since(before histogram) histogram {
	added := histogram{bounds: h.bounds}
	for i := range h.counts {
		added.counts = append(added.counts, h.counts[i]-before.counts[i])
	}
	return added
}

// quantile returns the bound of the first bucket that holds that share of all.
func (h histogram) quantile(share float64) float64 {
	for i, count := range h.counts {
		if count >= share*h.counts[len(h.counts)-1] {
			return h.bounds[i]
		}
	}
	return math.Inf(1)
}
