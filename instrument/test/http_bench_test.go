package test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/chitrace"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/early"
	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

// sink takes ended spans and forgets them: what is measured is the handler's
// cost, not that of sending.
type sink struct{}

func (sink) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (sink) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (sink) Shutdown(context.Context) error                  { return nil }
func (sink) ForceFlush(context.Context) error                { return nil }

// layers are the ways to trace a handler that are compared.
var layers = []struct {
	name string
	wrap func(sdktrace.Sampler, http.Handler) http.Handler
}{
	{"none", func(_ sdktrace.Sampler, h http.Handler) http.Handler { return h }},
	{"httptrace", func(s sdktrace.Sampler, h http.Handler) http.Handler {
		return httptrace.Handler(h, httptrace.WithTracerProvider(early.NewProvider(s, sdktrace.WithSpanProcessor(sink{}))),
			httptrace.WithPropagator(ours))
	}},
	{"httptrace with a foreign provider", func(s sdktrace.Sampler, h http.Handler) http.Handler {
		return httptrace.Handler(h, httptrace.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSampler(s),
			sdktrace.WithSpanProcessor(sink{}))), httptrace.WithPropagator(ours))
	}},
	{"otelhttp", func(s sdktrace.Sampler, h http.Handler) http.Handler {
		return otelhttp.NewHandler(h, "server", otelhttp.WithTracerProvider(
			sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSpanProcessor(sink{}))),
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})))
	}},
}

var ours = propagation.NewCompositeTextMapPropagator(propagate.TraceContext{}, propagation.Baggage{})

// discard is a writer that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) Flush()                      {}

func request(traceparent string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://shop.example:8080/orders/42?page=2", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	return r
}

var answer = []byte("ok")

// benchmark also reports processor time, garbage collection included, which
// other programs on the machine disturb less than the time that passes.
func benchmark(b *testing.B, h http.Handler, traceparent string) {
	r, w := request(traceparent), discard{http.Header{}}
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// BenchmarkHTTP is what a middleware adds to a handler that does nothing.
func BenchmarkHTTP(b *testing.B) {
	leaf := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(answer) })
	const parent = "00-12345678901234567890123456789012-1234567890123456-0"
	for _, x := range []struct {
		name, traceparent string
		sampler           sdktrace.Sampler
	}{
		{"unsampled", "", sdktrace.ParentBased(sdktrace.NeverSample())},
		{"unsampled by the caller", parent + "0", sdktrace.ParentBased(sdktrace.AlwaysSample())},
		{"sampled", "", sdktrace.ParentBased(sdktrace.AlwaysSample())},
		{"sampled by the caller", parent + "1", sdktrace.ParentBased(sdktrace.AlwaysSample())},
	} {
		for _, l := range layers {
			b.Run(x.name+"/"+l.name, func(b *testing.B) { benchmark(b, l.wrap(x.sampler, leaf), x.traceparent) })
		}
	}
}

// BenchmarkThreeChildren is a request whose handler makes three spans with
// three attributes each: what 1% of a handler of a millisecond has to pay.
func BenchmarkThreeChildren(b *testing.B) {
	leaf := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tracer := trace.SpanFromContext(r.Context()).TracerProvider().Tracer("handler")
		for _, name := range [...]string{"load cart", "reserve stock", "charge card"} {
			_, span := tracer.Start(r.Context(), name)
			span.SetAttributes(attribute.String("shop.sku", "chair"), attribute.Int("shop.count", 2), attribute.Bool("shop.gift", false))
			span.End()
		}
		_, _ = w.Write(answer)
	})
	for _, l := range layers[1:] {
		b.Run(l.name, func(b *testing.B) { benchmark(b, l.wrap(sdktrace.AlwaysSample(), leaf), "") })
	}
}

// BenchmarkChi is the same for a chi router, whose own cost is "none".
func BenchmarkChi(b *testing.B) {
	for _, x := range []struct {
		name    string
		sampler sdktrace.Sampler // nil for no middleware
	}{{"none", nil}, {"unsampled", sdktrace.NeverSample()}, {"sampled", sdktrace.AlwaysSample()}} {
		r := chi.NewRouter()
		if x.sampler != nil {
			r.Use(chitrace.Middleware(httptrace.WithPropagator(ours),
				httptrace.WithTracerProvider(early.NewProvider(x.sampler, sdktrace.WithSpanProcessor(sink{})))))
		}
		r.Get("/orders/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) })
		b.Run(x.name, func(b *testing.B) { benchmark(b, r, "") })
	}
}
