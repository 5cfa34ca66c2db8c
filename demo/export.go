package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Counts is how many spans became what. Ended - Sent - Failed are waiting,
// or were dropped because a service's queue was full.
type Counts struct {
	Ended, Sent, Failed uint64
	// Err is why spans failed last; nil once an export succeeded again.
	Err error
}

// exporter is the stock OTLP/HTTP exporter, shared by all services of the
// process, that counts what it sends and waits for a receiver that is down.
// The exporter itself retries when the receiver says 429, 502, 503 or 504,
// but takes a refused connection as final.
type exporter struct {
	sdktrace.SpanExporter
	client  *http.Client
	url     string
	stop    chan struct{}
	stopped sync.Once

	ended, sent, failed atomic.Uint64
	lastErr             atomic.Pointer[error]
}

const (
	// reconnectEvery is the pause between attempts to reach the receiver.
	reconnectEvery = 500 * time.Millisecond
	// reconnectFor bounds how long a batch waits: a restart of kiseki is
	// survived, and a service's queue does not fill up meanwhile.
	reconnectFor = 15 * time.Second
)

func newExporter(endpoint string) (*exporter, error) {
	e := &exporter{
		client: &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second},
		url:    strings.TrimSuffix(endpoint, "/") + "/v1/traces",
		stop:   make(chan struct{}),
	}
	var err error
	e.SpanExporter, err = otlptrace.New(context.Background(), otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL(e.url),
		otlptracehttp.WithHTTPClient(e.client),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
	))
	if err != nil {
		return nil, fmt.Errorf("create OTLP exporter: %w", err)
	}
	return e, nil
}

// ExportSpans sends spans. It never returns an error: what failed is in the
// counts, and the SDK would only log it.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	deadline := time.Now().Add(reconnectFor)
	for isUnreachable(err) && time.Now().Before(deadline) && e.pause(ctx) {
		e.lastErr.Store(&err)
		err = e.SpanExporter.ExportSpans(ctx, spans)
	}
	if err != nil {
		e.failed.Add(uint64(len(spans)))
		// Closing interrupts an export; the error before says why it hung.
		if !errors.Is(err, context.Canceled) || e.lastErr.Load() == nil {
			e.lastErr.Store(&err)
		}
		return nil
	}
	e.sent.Add(uint64(len(spans)))
	e.lastErr.Store(nil)
	return nil
}

// pause reports whether there is a point in another attempt after it.
func (e *exporter) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-e.stop:
		return false
	case <-time.After(reconnectEvery):
		return true
	}
}

func isUnreachable(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

// Shutdown does nothing: every service's provider calls it, and the exporter
// is shared. See close.
func (e *exporter) Shutdown(context.Context) error { return nil }

// close gives up what is still being sent. Calling it again does nothing.
func (e *exporter) close() error {
	var err error
	e.stopped.Do(func() {
		close(e.stop)
		err = e.SpanExporter.Shutdown(context.Background())
		e.client.CloseIdleConnections()
	})
	return err
}

// probe sends an export request without spans, which every OTLP receiver
// answers with 200.
func (e *exporter) probe(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(nil))
	if err != nil {
		return fmt.Errorf("create probe: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)); err != nil {
		return fmt.Errorf("read answer of %s: %w", e.url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", e.url, resp.Status)
	}
	return nil
}

func (e *exporter) counts() Counts {
	c := Counts{Sent: e.sent.Load(), Failed: e.failed.Load(), Ended: e.ended.Load()}
	if p := e.lastErr.Load(); p != nil {
		c.Err = *p
	}
	return c
}

// OnStart, OnEnd and ForceFlush make the exporter a span processor that
// counts the spans which ended.

// OnStart does nothing.
func (e *exporter) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd counts a span.
func (e *exporter) OnEnd(sdktrace.ReadOnlySpan) { e.ended.Add(1) }

// ForceFlush does nothing: the batch processors hold the spans.
func (e *exporter) ForceFlush(context.Context) error { return nil }
