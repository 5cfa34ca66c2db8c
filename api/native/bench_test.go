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
	var err error
	var written int64
	spill := func(p []byte) ([]byte, error) {
		if len(p) < 256<<10 {
			return p, nil
		}
		written += int64(len(p))
		return p[:0], nil
	}
	b.Run("columns", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if dst, err = native.WriteColumns(dst[:0], t, spill); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(written / int64(b.N))
		written = 0
	})
	b.Run("otlp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if dst, err = otlpjson.Write(dst[:0], &t.Batch, spill); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(written / int64(b.N))
	})
}
