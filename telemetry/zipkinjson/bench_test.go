package zipkinjson_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

// BenchmarkTrace writes a trace of 100,000 spans, most with attributes.
func BenchmarkTrace(b *testing.B) {
	batch := telemetrytest.Random(1, 100_000)
	var dst []byte
	var written int64
	spill := func(p []byte) ([]byte, error) {
		if len(p) < 256<<10 {
			return p, nil
		}
		written += int64(len(p))
		return p[:0], nil
	}
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = zipkinjson.Write(dst[:0], batch, spill); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(written / int64(b.N))
}
