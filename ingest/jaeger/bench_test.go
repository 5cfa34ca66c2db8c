package jaeger

import (
	"context"
	"math/rand/v2"
	"testing"

	athrift "github.com/apache/thrift/lib/go/thrift"
	jthrift "github.com/jaegertracing/jaeger-idl/thrift-gen/jaeger"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// BenchmarkDecode reports nanoseconds a span, of about 10 tags.
func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	sent := randomBatch(r)
	sent.Spans = nil
	for i := range 500 {
		s := &jthrift.Span{TraceIdLow: 1, SpanId: int64(i + 1), OperationName: "GET /api/items", StartTime: 1790000000000000, Duration: 1000}
		for _, key := range []string{"http.method", "http.url", "component", "peer.hostname", "net.host.ip", "internal.span.format"} {
			s.Tags = append(s.Tags, &jthrift.Tag{Key: key, VType: jthrift.TagType_STRING, VStr: ptr("some value of it")})
		}
		s.Tags = append(s.Tags, &jthrift.Tag{Key: "http.status_code", VType: jthrift.TagType_LONG, VLong: ptr(int64(200))},
			&jthrift.Tag{Key: kindTag, VType: jthrift.TagType_STRING, VStr: ptr("server")})
		sent.Spans = append(sent.Spans, s)
	}
	t := &testing.T{}
	inThrift := written(t, false, func(p athrift.TProtocol) error { return sent.Write(context.Background(), p) })
	inProto, err := inModel(sent).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	for encoding, body := range map[string][]byte{encodingThrift: inThrift, encodingProto: inProto} {
		b.Run(encoding, func(b *testing.B) {
			d := newDecoder(ingest.Limits{})
			var batch telemetry.Batch
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				batch.Reset()
				if _, err := d.Decode(encoding, body, &batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/span")
		})
	}
}
