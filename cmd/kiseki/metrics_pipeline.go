package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kiseki-dev/kiseki/pipeline"
)

// pipelineCollector reads what the pipeline's limits did once a scrape.
type pipelineCollector struct {
	pipeline *pipeline.Pipeline
	dropped  *prometheus.Desc
	cut      *prometheus.Desc
}

func newPipelineCollector(p *pipeline.Pipeline) *pipelineCollector {
	return &pipelineCollector{
		pipeline: p,
		dropped:  prometheus.NewDesc("kiseki_pipeline_dropped_total", "Parts of spans dropped because a limit was exceeded.", []string{"reason"}, nil),
		cut:      prometheus.NewDesc("kiseki_pipeline_truncated_total", "Texts and values cut because a limit was exceeded.", []string{"reason"}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (c *pipelineCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.dropped
	ch <- c.cut
}

// Collect implements [prometheus.Collector].
func (c *pipelineCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.pipeline.Stats()
	for _, x := range []struct {
		desc   *prometheus.Desc
		n      uint64
		reason string
	}{
		{c.dropped, s.DroppedAttrs, "too_many_attributes"},
		{c.dropped, s.DroppedKeys, "attribute_key_too_long"},
		{c.dropped, s.DroppedEvents, "too_many_events"},
		{c.dropped, s.DroppedLinks, "too_many_links"},
		{c.cut, s.TruncatedValues, "value_too_long"},
		{c.cut, s.TruncatedNames, "name_too_long"},
	} {
		ch <- prometheus.MustNewConstMetric(x.desc, prometheus.CounterValue, float64(x.n), x.reason)
	}
}
