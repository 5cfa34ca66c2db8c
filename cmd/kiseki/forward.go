package main

import (
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/forward"
)

// forwardFolder has, within a tenant's data folder, a queue for each
// destination.
const forwardFolder = "forward"

// openForward opens a tenant's queues. Its name goes with the spans where there
// may be others.
func (t *tenant) openForward() (err error) {
	c := t.server.config
	o := forward.Options{Dir: filepath.Join(t.dir, forwardFolder), Logger: t.server.log}
	if c.Tenants.Enabled {
		o.Tenant, o.Logger = t.id, o.Logger.With("tenant", t.id)
	}
	for _, d := range c.Forward {
		o.Destinations = append(o.Destinations, forward.Destination{
			Name: d.Name, To: d.To, Match: d.Match, Headers: d.Headers, CA: d.CA, Cert: d.Cert, Key: d.Key,
			QueueBytes: d.QueueBytes, FileBytes: d.FileBytes, Files: d.Files,
		})
	}
	t.forward, err = forward.Open(o)
	return err
}

// forwarded is what became of the spans for each destination, of all tenants
// together.
func (ts *tenants) forwarded() (sum []forward.Stats) {
	for _, t := range ts.all() {
		for i, s := range t.forward.Stats() {
			if i == len(sum) {
				sum = append(sum, s)
				continue
			}
			sum[i].Add(&s)
		}
	}
	return sum
}

// destinations are those of the settings, as /server tells them.
func (ts *tenants) destinations() []native.Destination {
	out := []native.Destination{}
	for _, s := range ts.forwarded() {
		d := native.Destination{
			Name: s.Name, Address: s.To, SentSpanCount: s.SentSpans, RequestCount: s.Requests, FailedRequestCount: s.Failed,
			QueuedBytes: s.QueuedBytes, QueueLimit: s.QueueLimit, Failure: s.Failure, Drops: []native.Drop{},
		}
		if s.Failure != "" {
			d.FailingSince = uint64(s.FailingSince.UnixNano())
		}
		for i, n := range s.Dropped {
			if n > 0 {
				d.Drops = append(d.Drops, native.Drop{Reason: forward.Reasons[i], Count: n})
			}
		}
		out = append(out, d)
	}
	return out
}

// forwardCollector reads what forwarding counts once a scrape.
type forwardCollector struct {
	tenants                                         *tenants
	sent, requests, failed, dropped, queued, broken *prometheus.Desc
}

func newForwardCollector(ts *tenants) *forwardCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kiseki_forward_"+name, help, append([]string{"destination"}, labels...), nil)
	}
	return &forwardCollector{
		tenants:  ts,
		sent:     desc("sent_spans_total", "Spans that a destination has taken."),
		requests: desc("requests_total", "Attempts to send spans on."),
		failed:   desc("failed_requests_total", "Attempts to send spans on that failed; most are made again."),
		dropped:  desc("dropped_spans_total", "Spans that are stored but not sent on, by the reason.", "reason"),
		queued:   desc("queued_bytes", "Spans on disk that wait to be sent on, as stored there."),
		broken:   desc("failing", "1 while a destination takes no spans and is tried again."),
	}
}

// Describe implements prometheus.Collector.
func (c *forwardCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.sent, c.requests, c.failed, c.dropped, c.queued, c.broken} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *forwardCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.tenants.forwarded() {
		number := func(d *prometheus.Desc, kind prometheus.ValueType, n float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, kind, n, append([]string{s.Name}, labels...)...)
		}
		number(c.sent, prometheus.CounterValue, float64(s.SentSpans))
		number(c.requests, prometheus.CounterValue, float64(s.Requests))
		number(c.failed, prometheus.CounterValue, float64(s.Failed))
		number(c.queued, prometheus.GaugeValue, float64(s.QueuedBytes))
		number(c.broken, prometheus.GaugeValue, oneIf(s.Failure != ""))
		for i, n := range s.Dropped {
			number(c.dropped, prometheus.CounterValue, float64(n), forward.Reasons[i])
		}
	}
}
