package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
)

// Names of the metrics that the parts count themselves.
const (
	metricWrites   = "lvs_ipvs_writes_total"
	metricDrift    = "lvs_ipvs_drift_total"
	metricFailures = "lvs_ipvs_failures_total"
)

// counters are the balancer's counts as metrics.
type counters struct {
	balancer                *balance.Balancer
	writes, drift, failures *prometheus.Desc
}

func newCounters(b *balance.Balancer) counters {
	return counters{
		balancer: b,
		writes:   prometheus.NewDesc(metricWrites, "Messages to the kernel that changed its IPVS table.", nil, nil),
		drift:    prometheus.NewDesc(metricDrift, "Fields of the IPVS table that somebody else changed.", []string{"field"}, nil),
		failures: prometheus.NewDesc(metricFailures, "Attempts that could not make the IPVS table what is wanted.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c counters) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.writes
	ch <- c.drift
	ch <- c.failures
}

// Collect implements prometheus.Collector.
func (c counters) Collect(ch chan<- prometheus.Metric) {
	m := c.balancer.Metrics()
	ch <- prometheus.MustNewConstMetric(c.writes, prometheus.CounterValue, float64(m.Writes))
	ch <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(m.Failures))
	for field, n := range m.Drift {
		ch <- prometheus.MustNewConstMetric(c.drift, prometheus.CounterValue, float64(n), field)
	}
}
