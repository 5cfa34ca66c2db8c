//go:build unix

package instrument

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/kiseki-dev/kiseki/instrument/sampler"
)

// cpu is the processor time of this process in nanoseconds.
func cpu() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkDo: what a part of a handler costs, with all that goes on behind:
// the SDK, redaction, encoding, compression and sending. The metric
// cpu-ns/op has the processor time of all goroutines, that of the receiver,
// which is in this process, included.
func BenchmarkDo(b *testing.B) {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer receiver.Close()
	part := func(context.Context) error { return nil }
	for _, x := range []struct {
		name string
		o    Options
	}{
		{"sampled", Options{Endpoint: receiver.URL, Sampler: sampler.Always()}},
		{"sampled, receiver down", Options{Endpoint: "http://127.0.0.1:1", Sampler: sampler.Always(), QueueDir: b.TempDir()}},
		{"not sampled", Options{Endpoint: receiver.URL, Sampler: sampler.Never()}},
	} {
		b.Run(x.name, func(b *testing.B) {
			x.o.Service = "bench"
			p, err := New(context.Background(), x.o)
			if err != nil {
				b.Fatal(err)
			}
			ctx, root := p.TracerProvider().Tracer("bench").Start(context.Background(), "GET /")
			b.ReportAllocs()
			began := cpu()
			for b.Loop() {
				_ = Do(ctx, "load product", part, attribute.String("shop.sku", "4711"), attribute.Int("shop.lines", 3))
			}
			root.End()
			_ = p.Stop(context.Background())
			b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(p.Stats().Dropped())/float64(b.N), "dropped/op")
		})
	}
}
