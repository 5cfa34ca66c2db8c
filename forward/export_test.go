package forward

import (
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
)

// JaegerSpan is span i as it is sent to Jaeger.
func JaegerSpan(b *telemetry.Batch, i int) string {
	m := jaegerspan.Model{Batch: b}
	return string(appendSpan(nil, &m, &b.Spans[i], appendProcess(nil, &m, b.Spans[i].Resource)))
}
