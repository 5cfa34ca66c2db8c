package tempo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// BenchmarkTrace answers with a trace of 100,000 spans.
func BenchmarkTrace(b *testing.B) {
	const n = 100_000
	batch := telemetrytest.Random(3, n)
	for i := range batch.Spans {
		batch.Spans[i].TraceID = telemetry.TraceID{1}
	}
	api := newAPI(scantest.New(batch))
	for _, accept := range []string{"application/protobuf", "application/json"} {
		b.Run(accept, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequest(http.MethodGet, "/api/v2/traces/01000000000000000000000000000000", nil)
				req.Header.Set("Accept", accept)
				w := &discard{header: http.Header{}}
				api.ServeHTTP(w, req)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
				b.SetBytes(w.bytes)
			}
		})
	}
}

// discard is an answer that only counts.
type discard struct {
	header http.Header
	status int
	bytes  int64
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return io.Discard.Write(p)
}
