package zipkin

import (
	"testing"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// FuzzDecode: whatever comes makes a batch that holds together, or an error.
func FuzzDecode(f *testing.F) {
	encodings := []string{encodingJSON, encodingProto, encodingJSONv1, encodingThrift}
	f.Add(uint8(0), []byte(oneSpan))
	f.Add(uint8(0), []byte(`[{"traceId":"1","id":"2","parentId":"3","kind":"CLIENT","timestamp":"1e6","duration":2,"debug":true,"shared":true,
		"localEndpoint":{"serviceName":"a","ipv4":"1.2.3.4","ipv6":"::1","port":1},"annotations":[{"timestamp":1,"value":"v"}],"tags":{"error":"x","peer.service":"y"}}]`))
	f.Add(uint8(1), []byte("\x0a\x18\x0a\x08\x01\x02\x03\x04\x05\x06\x07\x08\x1a\x08\x01\x02\x03\x04\x05\x06\x07\x08\x5a\x00"))
	f.Add(uint8(2), []byte(`[{"traceId":"1","id":"2","annotations":[{"timestamp":1,"value":"cs","endpoint":{"serviceName":"a"}},{"timestamp":2,"value":"sr","endpoint":{"serviceName":"a"}}],"binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"port":1}}]}]`))
	f.Add(uint8(3), []byte("\x0c\x00\x00\x00\x01\x0a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x0a\x00\x04\x00\x00\x00\x00\x00\x00\x00\x02\x0f\x00\x06\x0c\x00\x00\x00\x01\x0a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00"))
	d := newDecoder(ingest.Limits{Elements: 1000})
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		var b telemetry.Batch
		if _, err := d.Decode(encodings[int(which)%len(encodings)], body, &b); err != nil {
			return
		}
		for i := range b.Spans {
			s := &b.Spans[i]
			if s.TraceID.IsZero() || s.SpanID.IsZero() || s.End < s.Start {
				t.Fatalf("span %+v", s)
			}
			if int(s.Resource) >= len(b.Resources) || int(s.Scope) >= len(b.Scopes) {
				t.Fatalf("span %+v of %d resources and %d scopes", s, len(b.Resources), len(b.Scopes))
			}
			b.AttrsOf(s.Attrs)
			b.EventsOf(s)
		}
		if len(b.Spans) > 1000 {
			t.Fatalf("%d spans", len(b.Spans))
		}
	})
}
