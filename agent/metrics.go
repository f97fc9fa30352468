package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// Names of the metrics that the parts count themselves.
const (
	metricWrites   = "lvs_ipvs_writes_total"
	metricDrift    = "lvs_ipvs_drift_total"
	metricFailures = "lvs_ipvs_failures_total"
	metricLateness = "lvs_vrrp_advert_lateness_seconds"

	metricRounds        = "lvs_check_rounds_total"
	metricSkipped       = "lvs_check_rounds_skipped_total"
	metricStuck         = "lvs_check_rounds_stuck_total"
	metricUnderWay      = "lvs_check_rounds_under_way"
	metricRoundsLimit   = "lvs_check_rounds_limit"
	metricSeries        = "lvs_check_series"
	metricCheckLateness = "lvs_check_lateness_ratio"
)

// counters are what the parts count, as metrics.
type counters struct {
	checks                            checkCounters
	balancer                          *balance.Balancer
	tuner                             *tune.Tuner
	engine                            *vrrp.Engine
	writes, drift, failures, lateness *prometheus.Desc
}

func newCounters(c *check.Checker, b *balance.Balancer, t *tune.Tuner, e *vrrp.Engine) counters {
	return counters{
		checks:   newCheckCounters(c),
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
	c.checks.describe(ch)
}

// Collect implements prometheus.Collector.
func (c counters) Collect(ch chan<- prometheus.Metric) {
	m, tuned := c.balancer.Metrics(), c.tuner.Metrics()
	ch <- prometheus.MustNewConstMetric(c.writes, prometheus.CounterValue, float64(m.Writes+tuned.Writes))
	ch <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(m.Failures+tuned.Failures))
	ch <- histogram(c.lateness, c.engine.Lateness())
	c.checks.collect(ch)
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

// checkCounters are the checker's.
type checkCounters struct {
	checker                                                   *check.Checker
	rounds, skipped, stuck, underWay, limit, series, lateness *prometheus.Desc
}

func newCheckCounters(c *check.Checker) checkCounters {
	return checkCounters{
		checker:  c,
		rounds:   prometheus.NewDesc(metricRounds, "Rounds of checks that ended, equal checks of one address counted once.", nil, nil),
		skipped:  prometheus.NewDesc(metricSkipped, "Rounds left out because the one before was not over in time.", nil, nil),
		stuck:    prometheus.NewDesc(metricStuck, "Rounds that did not end at their timeout.", nil, nil),
		underWay: prometheus.NewDesc(metricUnderWay, "Rounds that go on now.", nil, nil),
		limit:    prometheus.NewDesc(metricRoundsLimit, "How many rounds may go on at once, by the limit of open files.", nil, nil),
		series:   prometheus.NewDesc(metricSeries, "Checks, equal ones of one address counted once.", nil, nil),
		lateness: prometheus.NewDesc(metricCheckLateness, "How much later than due rounds began, in parts of their interval.", nil, nil),
	}
}

func (c checkCounters) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.rounds, c.skipped, c.stuck, c.underWay, c.limit, c.series, c.lateness} {
		ch <- desc
	}
}

func (c checkCounters) collect(ch chan<- prometheus.Metric) {
	m := c.checker.Metrics()
	ch <- prometheus.MustNewConstMetric(c.rounds, prometheus.CounterValue, float64(m.Rounds))
	ch <- prometheus.MustNewConstMetric(c.skipped, prometheus.CounterValue, float64(m.Skipped))
	ch <- prometheus.MustNewConstMetric(c.stuck, prometheus.CounterValue, float64(m.Stuck))
	ch <- prometheus.MustNewConstMetric(c.underWay, prometheus.GaugeValue, float64(m.UnderWay))
	ch <- prometheus.MustNewConstMetric(c.limit, prometheus.GaugeValue, float64(m.Limit))
	ch <- prometheus.MustNewConstMetric(c.series, prometheus.GaugeValue, float64(m.Series))
	ch <- prometheus.MustNewConstHistogram(c.lateness, m.Lateness.Count, m.Lateness.Sum, m.Lateness.Buckets)
}
