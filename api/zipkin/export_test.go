package zipkin

import "github.com/kiseki-dev/kiseki/telemetry"

// WriteTrace is the writer of traces, for its benchmark.
func WriteTrace(dst []byte, b *telemetry.Batch, spill func([]byte) ([]byte, error)) ([]byte, error) {
	w := writer{batch: b, spill: spill}
	return w.trace(dst)
}
