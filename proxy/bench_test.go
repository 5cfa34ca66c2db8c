package proxy

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/instrument"
)

// BenchmarkRequest is a request of 100 bytes over one connection: to the
// service, by net/http's proxy without traces, and by ours with spans that are
// sent to a receiver of this process. What a proxy adds is the difference.
func BenchmarkRequest(b *testing.B) {
	answer := make([]byte, 100)
	service := serveBench(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(answer) }))
	to, _ := url.Parse(service)
	plain := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, BufferPool: newBuffers(), Transport: newTransport(0)}
	receiver := serveBench(b, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	tracing, err := instrument.New(b.Context(), instrument.Options{Service: "bench", Endpoint: receiver, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer tracing.Stop(b.Context())
	p, err := New(Options{To: to, Routes: []string{"/users/{id}"}, TracerProvider: tracing.TracerProvider(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Shutdown(b.Context())
	for _, x := range []struct{ name, url string }{
		{"direct", service}, {"untraced", serveBench(b, plain)}, {"kiseki", serveBench(b, p.inbound)},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				resp, err := http.Get(x.url + "/users/42")
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			for _, q := range []struct {
				name string
				at   float64
			}{{"p50-µs", 0.5}, {"p90-µs", 0.9}, {"p99-µs", 0.99}} {
				b.ReportMetric(float64(took[int(q.at*float64(len(took)-1))].Nanoseconds())/1000, q.name)
			}
		})
	}
}

func serveBench(b *testing.B, h http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	b.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String()
}
