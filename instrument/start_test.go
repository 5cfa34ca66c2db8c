package instrument

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

func TestStartSends(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" {
			t.Errorf("path is %s", r.URL.Path)
		}
		requests.Add(1)
	}))
	defer server.Close()
	stop, err := Start(context.Background(), Options{Service: "shop", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("out of stock")
	err = Do(context.Background(), "reserve stock", func(ctx context.Context) error {
		if !trace.SpanFromContext(ctx).IsRecording() {
			t.Error("there is no span")
		}
		return failed
	})
	if err != failed {
		t.Errorf("error is %v", err)
	}
	// A program that was interrupted stops with the context that ended.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := stop(ctx); err != nil {
		t.Fatal(err)
	}
	if s := DeliveryStats(); requests.Load() != 1 || s.Sent != 1 || s.Dropped() != 0 {
		t.Errorf("%d requests, stats %+v", requests.Load(), s)
	}
}

// TestSecretsDoNotReachTheDisk: what is redacted is redacted in the queue.
func TestSecretsDoNotReachTheDisk(t *testing.T) {
	noEnv(t)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	dir := t.TempDir()
	p, err := New(t.Context(), Options{Service: "shop", Endpoint: "http://127.0.0.1:1", QueueDir: dir,
		Attributes: []attribute.KeyValue{attribute.String("db.dsn", "postgres://app:s3cret@db/")}})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.TracerProvider().Tracer("x").Start(t.Context(), "connect")
	span.SetAttributes(attribute.String("plain", "visible"), attribute.String("db.password", "s3cret"))
	RecordError(span, errors.New("dial postgres://app:s3cret@db/: refused"))
	span.End()
	if err := p.Stop(t.Context()); err == nil {
		t.Error("the span was delivered to nowhere")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*.spans"))
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte("visible")) || bytes.Contains(content, []byte("s3cret")) {
		t.Errorf("on disk is %q", content)
	}
}

// TestTraceOfTheLoadBalancer: the trace ID that a load balancer of AWS sends
// without a parent is that of the request's span; a job that the request
// starts has another.
func TestTraceOfTheLoadBalancer(t *testing.T) {
	noEnv(t)
	r := tracetest.NewSpanRecorder()
	p, err := New(t.Context(), Options{Service: "shop", Endpoint: "http://127.0.0.1:1",
		Propagators: propagate.XRay{}, Processors: []sdktrace.SpanProcessor{r}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(context.Background())
	ended := make(chan trace.TraceID)
	h := httptrace.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		Go(r.Context(), "job", func(ctx context.Context) error {
			ended <- trace.SpanContextFromContext(ctx).TraceID()
			return nil
		})
	}), httptrace.WithTracerProvider(p.TracerProvider()), httptrace.WithPropagator(p.Propagator()))
	for range 2 {
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("X-Amzn-Trace-Id", "Root=1-80f198ee-56343ba864fe8b2a57d3eff7")
		h.ServeHTTP(httptest.NewRecorder(), req)
		if job := (<-ended).String(); job == "80f198ee56343ba864fe8b2a57d3eff7" {
			t.Error("the job is in the trace of the request")
		}
	}
	n := 0
	for _, s := range r.Ended() {
		if s.Name() == "GET" || s.Name() == "GET /" {
			n++
			if s.SpanContext().TraceID().String() != "80f198ee56343ba864fe8b2a57d3eff7" || s.Parent().IsValid() {
				t.Errorf("the request is %v below %v", s.SpanContext().TraceID(), s.Parent())
			}
		}
	}
	if n != 2 {
		t.Errorf("%d spans of requests: %v", n, r.Ended())
	}
}

// TestStopClosesTheSampler: no goroutine is left, as TestMain checks.
func TestStopClosesTheSampler(t *testing.T) {
	noEnv(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "xray")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "endpoint=http://127.0.0.1:1")
	p, err := New(t.Context(), Options{Service: "shop", Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
