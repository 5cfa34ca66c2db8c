package jaeger

import (
	"context"
	"math/rand/v2"
	"testing"

	athrift "github.com/apache/thrift/lib/go/thrift"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/thrift"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// FuzzDecode: whatever comes makes a batch that holds together, or an error.
func FuzzDecode(f *testing.F) {
	t := &testing.T{}
	for seed := range uint64(5) {
		sent := randomBatch(rand.New(rand.NewPCG(seed, 3)))
		inProto, err := inModel(sent).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(0), inProto)
		f.Add(uint8(1), written(t, false, func(p athrift.TProtocol) error { return sent.Write(context.Background(), p) }))
		f.Add(uint8(2), call(t, true, sent))
		f.Add(uint8(3), call(t, false, sent))
	}
	const most = 1000
	d := newDecoder(ingest.Limits{Elements: most})
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		var b telemetry.Batch
		var err error
		switch which % 4 {
		case 0:
			_, err = d.Decode(encodingProto, body, &b)
		case 1:
			_, err = d.Decode(encodingThrift, body, &b)
		case 2:
			_, err = d.packet(thrift.NewCompact(body), &b)
		default:
			_, err = d.packet(thrift.NewBinary(body), &b)
		}
		if err != nil {
			return
		}
		for i := range b.Spans {
			s := &b.Spans[i]
			if s.TraceID.IsZero() || s.SpanID.IsZero() || int(s.Resource) >= len(b.Resources) || int(s.Scope) >= len(b.Scopes) {
				t.Fatalf("span %+v of %d resources and %d scopes", s, len(b.Resources), len(b.Scopes))
			}
			b.AttrsOf(s.Attrs)
			b.EventsOf(s)
			b.LinksOf(s)
		}
		for _, r := range b.Resources {
			b.AttrsOf(r.Attrs)
		}
		if len(b.Spans)+len(b.Events)+len(b.Links) > most {
			t.Fatalf("%d spans, %d events, %d links", len(b.Spans), len(b.Events), len(b.Links))
		}
	})
}

// FuzzSpanJSON: whatever a message of a topic has in it, decoding it ends.
func FuzzSpanJSON(f *testing.F) {
	f.Add([]byte(`{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAI=","startTime":"2026-11-22T01:02:03Z","duration":"1s","tags":[{"key":"a","vType":"INT64","vInt64":"1"}]}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		var b telemetry.Batch
		_, _ = NewDecoder(ingest.Limits{}).Decode(EncodingSpanJSON, body, &b)
		b.Reset()
		_, _ = NewDecoder(ingest.Limits{}).Decode(EncodingSpan, body, &b)
	})
}
