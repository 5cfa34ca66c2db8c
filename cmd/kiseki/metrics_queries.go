package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kiseki-dev/kiseki/api/gate"
)

// gateCollector tells what the gate of queries counts.
type gateCollector struct{ gate *gate.Gate }

var (
	queriesRunning = prometheus.NewDesc("kiseki_queries_running", "Queries that run now.", nil, nil)
	queriesWaiting = prometheus.NewDesc("kiseki_queries_waiting", "Queries that wait for their turn; always some mean that limits.queries or the machine is too small.", nil, nil)
	queriesTotal   = prometheus.NewDesc("kiseki_queries_total", "Queries by what became of their turn: admitted, refused (429 or RESOURCE_EXHAUSTED) or gone, where the client did not wait for it.", []string{"turn"}, nil)
	queriesWaited  = prometheus.NewDesc("kiseki_query_wait_seconds_total", "Time that admitted queries waited.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (c gateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queriesRunning, queriesWaiting, queriesTotal, queriesWaited} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c gateCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.gate.Stats()
	ch <- prometheus.MustNewConstMetric(queriesRunning, prometheus.GaugeValue, float64(s.Running))
	ch <- prometheus.MustNewConstMetric(queriesWaiting, prometheus.GaugeValue, float64(s.Waiting))
	for turn, n := range map[string]uint64{"admitted": s.Admitted, "refused": s.Refused, "gone": s.Gone} {
		ch <- prometheus.MustNewConstMetric(queriesTotal, prometheus.CounterValue, float64(n), turn)
	}
	ch <- prometheus.MustNewConstMetric(queriesWaited, prometheus.CounterValue, s.Waited.Seconds())
}
