package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// Names of the metrics that the parts count themselves.
const (
	metricWrites   = "lvs_ipvs_writes_total"
	metricDrift    = "lvs_ipvs_drift_total"
	metricFailures = "lvs_ipvs_failures_total"
	metricLateness = "lvs_vrrp_advert_lateness_seconds"
)

// counters are the balancer's and the engine's counts as metrics.
type counters struct {
	balancer                          *balance.Balancer
	tuner                             *tune.Tuner
	engine                            *vrrp.Engine
	writes, drift, failures, lateness *prometheus.Desc
}

func newCounters(b *balance.Balancer, t *tune.Tuner, e *vrrp.Engine) counters {
	return counters{
		balancer: b,
		tuner:    t,
		engine:   e,
		writes:   prometheus.NewDesc(metricWrites, "Writes to the kernel that changed its IPVS table or the settings of IPVS.", nil, nil),
		drift:    prometheus.NewDesc(metricDrift, "Fields of the IPVS table, and settings of IPVS, that somebody else changed.", []string{"field"}, nil),
		failures: prometheus.NewDesc(metricFailures, "Attempts that could not make the IPVS table, or the settings of IPVS, what is wanted.", nil, nil),
		lateness: prometheus.NewDesc(metricLateness, "How much later than due adverts left.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c counters) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.writes
	ch <- c.drift
	ch <- c.failures
	ch <- c.lateness
}

// Collect implements prometheus.Collector.
func (c counters) Collect(ch chan<- prometheus.Metric) {
	m, tuned := c.balancer.Metrics(), c.tuner.Metrics()
	ch <- prometheus.MustNewConstMetric(c.writes, prometheus.CounterValue, float64(m.Writes+tuned.Writes))
	ch <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(m.Failures+tuned.Failures))
	ch <- histogram(c.lateness, c.engine.Lateness())
	for _, drift := range []map[string]uint64{m.Drift, tuned.Drift} { // their fields have no name in common
		for field, n := range drift {
			ch <- prometheus.MustNewConstMetric(c.drift, prometheus.CounterValue, float64(n), field)
		}
	}
}

// histogram converts to Prometheus' base unit.
func histogram(desc *prometheus.Desc, l vrrp.Lateness) prometheus.Metric {
	buckets := make(map[float64]uint64, len(l.Buckets))
	for bound, count := range l.Buckets {
		buckets[bound.Seconds()] = count
	}
	return prometheus.MustNewConstHistogram(desc, l.Count, l.Sum.Seconds(), buckets)
}
