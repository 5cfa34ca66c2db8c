package native_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// BenchmarkTrace writes a trace of 100,000 spans, most with attributes.
func BenchmarkTrace(b *testing.B) {
	batch := telemetrytest.Random(1, 100_000)
	for i := range batch.Spans {
		batch.Spans[i].TraceID = batch.Spans[0].TraceID
	}
	var t *exec.Trace
	b.Run("find", func(b *testing.B) {
		snap := scantest.New(batch).Snapshot()
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if t, err = exec.FindTrace(b.Context(), snap, batch.Spans[0].TraceID, exec.DefaultLimits); err != nil {
				b.Fatal(err)
			}
		}
	})
	var dst []byte
	b.Run("columns", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = native.AppendColumns(dst[:0], t)
		}
		b.SetBytes(int64(len(dst)))
	})
	b.Run("otlp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = otlpjson.Append(dst[:0], &t.Batch)
		}
		b.SetBytes(int64(len(dst)))
	})
}
