package test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
)

// BenchmarkLoad is a server under load, with everything that a service has: a
// handler of a millisecond with three spans in it, connections that are kept,
// and spans delivered over HTTP to a receiver that reads and forgets them. It
// reports percentiles of the latency that clients see, and the processor time
// of a request, clients and receiver included, which other load on the machine
// disturbs less.
func BenchmarkLoad(b *testing.B) {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer receiver.Close()
	for _, x := range []struct {
		name string
		wrap func(testing.TB, http.Handler) (http.Handler, func(context.Context) error)
	}{
		{"none", func(_ testing.TB, h http.Handler) (http.Handler, func(context.Context) error) {
			return h, func(context.Context) error { return nil }
		}},
		{"instrument", func(t testing.TB, h http.Handler) (http.Handler, func(context.Context) error) {
			p, err := instrument.New(context.Background(), instrument.Options{Service: "load", Endpoint: receiver.URL})
			if err != nil {
				t.Fatal(err)
			}
			return httptrace.Handler(h, httptrace.WithTracerProvider(p.TracerProvider()), httptrace.WithPropagator(p.Propagator())), p.Stop
		}},
		{"instrument unsampled", func(t testing.TB, h http.Handler) (http.Handler, func(context.Context) error) {
			p, err := instrument.New(context.Background(), instrument.Options{Service: "load", Endpoint: receiver.URL, Sampler: sdktrace.NeverSample()})
			if err != nil {
				t.Fatal(err)
			}
			return httptrace.Handler(h, httptrace.WithTracerProvider(p.TracerProvider()), httptrace.WithPropagator(p.Propagator())), p.Stop
		}},
		{"otelhttp", func(t testing.TB, h http.Handler) (http.Handler, func(context.Context) error) {
			e, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(receiver.URL+"/v1/traces"),
				otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
			if err != nil {
				t.Fatal(err)
			}
			p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e))
			return otelhttp.NewHandler(h, "load", otelhttp.WithTracerProvider(p), otelhttp.WithPropagators(ours)), p.Shutdown
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			h, stop := x.wrap(b, http.HandlerFunc(ofAMillisecond))
			server := httptest.NewServer(h)
			before := processorTime(b)
			latencies := load(b, server.URL+"/orders/42", b.N)
			used := processorTime(b) - before
			server.Close()
			if err := stop(context.Background()); err != nil {
				b.Error(err)
			}
			slices.Sort(latencies)
			at := func(p float64) float64 {
				return float64(latencies[int(p*float64(len(latencies)-1))].Microseconds())
			}
			b.ReportMetric(at(.5), "p50-µs")
			b.ReportMetric(at(.9), "p90-µs")
			b.ReportMetric(at(.99), "p99-µs")
			b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// ofAMillisecond is a handler that waits for a database as most do.
func ofAMillisecond(w http.ResponseWriter, r *http.Request) {
	tracer := trace.SpanFromContext(r.Context()).TracerProvider().Tracer("load")
	for _, name := range [...]string{"load cart", "reserve stock", "charge card"} {
		_, span := tracer.Start(r.Context(), name)
		span.SetAttributes(attribute.String("shop.sku", "chair"), attribute.Int("shop.count", 2))
		time.Sleep(time.Millisecond / 3)
		span.End()
	}
	_, _ = w.Write(answer)
}

// load makes n requests over eight connections, one after the other on each.
func load(b *testing.B, url string, n int) []time.Duration {
	const connections = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	latencies := make([]time.Duration, n)
	var wg sync.WaitGroup
	for c := range connections {
		wg.Go(func() {
			for i := c; i < n; i += connections {
				start := time.Now()
				resp, err := client.Get(url)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				latencies[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	return latencies
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
