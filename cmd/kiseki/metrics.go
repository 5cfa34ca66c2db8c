package main

import (
	"cmp"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"google.golang.org/grpc/codes"

	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/ingest"
)

// durationBuckets span a cache hit to a request that a user gave up on.
var durationBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics are kiseki's own, in a registry of its own. docs/operations.md
// lists them; a test keeps that list complete.
type metrics struct {
	registry *prometheus.Registry

	// of receivers
	requests, accepted, rejected, bytes, decodedBytes, droppedLinks, repaired *prometheus.CounterVec
	duration                                                                  *prometheus.HistogramVec

	apiRequests *prometheus.CounterVec
	apiDuration *prometheus.HistogramVec

	queryDuration *prometheus.HistogramVec
	queryScanned  *prometheus.CounterVec

	rests prometheus.Counter
}

func newMetrics() *metrics {
	receiver := []string{"protocol", "transport", "encoding"}
	m := &metrics{
		registry:      prometheus.NewRegistry(),
		requests:      counter("receiver_requests_total", "Requests that brought telemetry; the outcome says what became of them.", append(receiver, "outcome")...),
		accepted:      counter("receiver_accepted_spans_total", "Spans stored durably.", receiver...),
		rejected:      counter("receiver_rejected_spans_total", "Spans refused for good, such as those with an invalid id.", receiver...),
		bytes:         counter("receiver_request_bytes_total", "Bytes of requests as received.", receiver...),
		decodedBytes:  counter("receiver_decompressed_bytes_total", "Bytes of requests after decompression.", receiver...),
		droppedLinks:  counter("receiver_dropped_links_total", "Links dropped because their ids are invalid.", receiver...),
		repaired:      counter("receiver_repaired_strings_total", "Strings whose invalid UTF-8 was replaced.", receiver...),
		duration:      histogram("receiver_request_duration_seconds", "Time from the first byte of a request to its answer, fsync included.", receiver...),
		apiRequests:   counter("api_requests_total", "API requests answered, gRPC calls included, whose status is a name such as OK; status aborted: broken off after the first byte.", "route", "status"),
		apiDuration:   histogram("api_request_duration_seconds", "Time to answer API requests.", "route"),
		queryDuration: histogram("query_duration_seconds", "Time of queries from their turn on; class filter decides span by span, pipeline reads whole traces, other is not TraceQL.", "class"),
		queryScanned:  counter("query_scanned_spans_total", "Spans in the blocks that queries read.", "class"),
		rests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kiseki_rests_total", Help: "How often memory was given back to the operating system because nothing had happened for 15 s.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "kiseki_build_info", Help: "Always 1; the labels say which binary this is.",
		ConstLabels: prometheus.Labels{"version": versionString(), "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.accepted, m.rejected, m.bytes, m.decodedBytes,
		m.droppedLinks, m.repaired, m.duration, m.apiRequests, m.apiDuration, m.queryDuration, m.queryScanned, m.rests, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kiseki_" + name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "kiseki_" + name, Help: help, Buckets: durationBuckets}, labels)
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// observeReceived counts one request that brought telemetry.
func (m *metrics) observeReceived(o ingest.Observation) {
	labels := []string{o.Protocol, o.Transport, cmp.Or(o.Encoding, "unknown")}
	m.requests.WithLabelValues(append(labels, o.Outcome)...).Inc()
	m.duration.WithLabelValues(labels...).Observe(o.Duration.Seconds())
	for c, n := range map[*prometheus.CounterVec]int{
		m.accepted: o.Spans - o.Rejected, m.rejected: o.Rejected,
		m.bytes: o.Bytes, m.decodedBytes: o.DecodedBytes,
		m.droppedLinks: o.DroppedLinks, m.repaired: o.InvalidUTF8,
	} {
		c.WithLabelValues(labels...).Add(float64(n))
	}
}

// observeAPI counts the requests that next answers, by the pattern of the
// innermost http.ServeMux they matched, which bounds the number of series.
func (m *metrics) observeAPI(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		outcome := "aborted" // by a panic, as exports end that fail
		defer func() {
			m.apiRequests.WithLabelValues(r.Pattern, outcome).Inc()
			m.apiDuration.WithLabelValues(r.Pattern).Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(s, r)
		outcome = strconv.Itoa(s.status)
	})
}

// observeRPC counts one gRPC call.
func (m *metrics) observeRPC(method string, code codes.Code, d time.Duration) {
	m.apiRequests.WithLabelValues(method, code.String()).Inc()
	m.apiDuration.WithLabelValues(method).Observe(d.Seconds())
}

// observeQuery counts a query by its class.
func (m *metrics) observeQuery(e *querylog.Entry) {
	m.queryDuration.WithLabelValues(e.Class).Observe(e.Took.Seconds())
	m.queryScanned.WithLabelValues(e.Class).Add(float64(e.Cost.ScannedSpans))
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Flush implements [http.Flusher], which grpc-go insists on.
func (w *statusWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a failed connection fails the next write
}

// Unwrap lets http.ResponseController reach what it wraps.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
