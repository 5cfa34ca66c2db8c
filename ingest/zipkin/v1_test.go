package zipkin

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	athrift "github.com/apache/thrift/lib/go/thrift"
	"github.com/jaegertracing/jaeger-idl/thrift-gen/zipkincore"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The endpoints in the spans of these tests.
const (
	web = `{"serviceName":"web","ipv4":"10.0.0.1","port":80}`
	app = `{"serviceName":"app","ipv4":"10.0.0.2","port":8080}`
)

// TestV1 shows what becomes of spans of version 1, as Zipkin's own converter
// has it: its tests have the same cases.
func TestV1(t *testing.T) {
	for _, c := range []struct{ name, sent, want string }{
		{
			"both sides of a call share an ID",
			`"name":"get","annotations":[{"timestamp":1000,"value":"cs","endpoint":WEB},{"timestamp":1100,"value":"sr","endpoint":APP},
				{"timestamp":1150,"value":"working","endpoint":APP},{"timestamp":1300,"value":"ss","endpoint":APP},{"timestamp":1400,"value":"cr","endpoint":WEB}],
			 "binaryAnnotations":[{"key":"http.path","value":"/api","endpoint":WEB},{"key":"sa","value":true,"endpoint":APP},
				{"key":"ca","value":true,"endpoint":WEB},{"key":"code","value":200,"endpoint":APP}]`,
			`[{"name":"get","kind":"CLIENT","timestamp":1000,"duration":400,"localEndpoint":WEB,"remoteEndpoint":APP,"tags":{"http.path":"/api"}},
			  {"name":"get","kind":"SERVER","timestamp":1100,"duration":200,"localEndpoint":APP,"remoteEndpoint":WEB,"shared":true,
				"annotations":[{"timestamp":1150,"value":"working"}],"tags":{"code":"200"}}]`,
		},
		{
			"a service calls itself",
			`"annotations":[{"timestamp":1000,"value":"cs","endpoint":WEB},{"timestamp":1100,"value":"sr","endpoint":WEB},
				{"timestamp":1300,"value":"ss","endpoint":WEB},{"timestamp":1400,"value":"cr","endpoint":WEB}]`,
			`[{"kind":"CLIENT","timestamp":1000,"duration":400,"localEndpoint":WEB},{"kind":"SERVER","timestamp":1100,"duration":200,"localEndpoint":WEB,"shared":true}]`,
		},
		{
			"the times of the span are the client's",
			`"timestamp":900,"duration":600,"annotations":[{"timestamp":1000,"value":"cs","endpoint":WEB},{"timestamp":1400,"value":"cr","endpoint":WEB}]`,
			`[{"kind":"CLIENT","timestamp":900,"duration":600,"localEndpoint":WEB}]`,
		},
		{
			"a server that took over the ID leaves the times to its client",
			`"annotations":[{"timestamp":1100,"value":"sr","endpoint":APP},{"timestamp":1300,"value":"ss","endpoint":APP}]`,
			`[{"kind":"SERVER","timestamp":1100,"duration":200,"localEndpoint":APP,"shared":true}]`,
		},
		{
			"a server of its own",
			`"timestamp":1100,"duration":200,"annotations":[{"timestamp":1100,"value":"sr","endpoint":APP},{"timestamp":1300,"value":"ss","endpoint":APP}]`,
			`[{"kind":"SERVER","timestamp":1100,"duration":200,"localEndpoint":APP}]`,
		},
		{
			"a call without an answer",
			`"timestamp":1000,"annotations":[{"timestamp":1000,"value":"cs","endpoint":WEB}]`,
			`[{"kind":"CLIENT","timestamp":1000,"localEndpoint":WEB}]`,
		},
		{
			"the start is inferred from the end",
			`"timestamp":1000,"duration":400,"annotations":[{"timestamp":1400,"value":"cr","endpoint":WEB}]`,
			`[{"kind":"CLIENT","timestamp":1000,"duration":400,"localEndpoint":WEB}]`,
		},
		{
			"a late answer alone",
			`"annotations":[{"timestamp":1400,"value":"cr","endpoint":WEB}]`,
			`[{"kind":"CLIENT","localEndpoint":WEB,"annotations":[{"timestamp":1400,"value":"cr"}]}]`,
		},
		{
			"a local span",
			`"timestamp":1000,"duration":5,"binaryAnnotations":[{"key":"lc","value":"","endpoint":WEB},{"key":"k","value":"v","endpoint":WEB}]`,
			`[{"timestamp":1000,"duration":5,"localEndpoint":WEB,"tags":{"k":"v"}}]`,
		},
		{
			"nobody is told",
			`"timestamp":1000,"duration":5,"annotations":[{"timestamp":1001,"value":"cs"}],"binaryAnnotations":[{"key":"k","value":"v"}]`,
			`[{"timestamp":1000,"duration":5,"annotations":[{"timestamp":1001,"value":"cs"}],"tags":{"k":"v"}}]`,
		},
		{
			"addresses without a call",
			`"timestamp":1000,"binaryAnnotations":[{"key":"ca","value":true,"endpoint":WEB},{"key":"sa","value":true,"endpoint":APP}]`,
			`[{"timestamp":1000,"localEndpoint":WEB,"remoteEndpoint":APP}]`,
		},
		{
			"a producer and its consumer",
			`"annotations":[{"timestamp":1000,"value":"ms","endpoint":WEB},{"timestamp":1050,"value":"ws","endpoint":WEB},
				{"timestamp":1100,"value":"wr","endpoint":APP},{"timestamp":1300,"value":"mr","endpoint":APP}],
			 "binaryAnnotations":[{"key":"ma","value":true,"endpoint":{"serviceName":"kafka"}}]`,
			`[{"kind":"PRODUCER","timestamp":1000,"duration":50,"localEndpoint":WEB,"remoteEndpoint":{"serviceName":"kafka"}},
			  {"kind":"CONSUMER","timestamp":1100,"duration":200,"localEndpoint":APP,"remoteEndpoint":{"serviceName":"kafka"},"shared":true}]`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			endpoints := strings.NewReplacer("WEB", web, "APP", app)
			const ids = `"traceId":"463ac35c9f6413ad48485a3953bb6124","id":"1",`
			body := []byte(`[{` + ids + endpoints.Replace(c.sent) + `}]`)
			var want []object
			if err := json.Unmarshal([]byte(endpoints.Replace(c.want)), &want); err != nil {
				t.Fatal(err)
			}
			for _, s := range want {
				s["traceId"], s["id"] = testTrace, "0000000000000001"
			}
			same(t, ask(t, decode(t, encodingJSONv1, body)), want)
			same(t, ask(t, decode(t, encodingThrift, inThrift(t, body))), want)
		})
	}
}

// inThrift is a list of spans of version 1 in JSON as Apache's library writes
// it in Thrift.
func inThrift(t *testing.T, inJSON []byte) []byte {
	t.Helper()
	var spans []jsonSpanV1
	if err := json.Unmarshal(inJSON, &spans); err != nil {
		t.Fatal(err)
	}
	buffer := athrift.NewTMemoryBuffer()
	p := athrift.NewTBinaryProtocolConf(buffer, nil)
	if err := p.WriteListBegin(t.Context(), athrift.STRUCT, len(spans)); err != nil {
		t.Fatal(err)
	}
	for _, s := range spans {
		high := int64(0x463ac35c9f6413ad)
		out := zipkincore.Span{TraceID: 0x48485a3953bb6124, TraceIDHigh: &high, ID: 1, Name: s.Name}
		if s.Timestamp != 0 {
			out.Timestamp = (*int64)(&s.Timestamp)
		}
		if s.Duration != 0 {
			out.Duration = (*int64)(&s.Duration)
		}
		for _, a := range s.Annotations {
			out.Annotations = append(out.Annotations, &zipkincore.Annotation{Timestamp: int64(*a.Timestamp), Value: *a.Value, Host: host(a.Endpoint)})
		}
		for _, b := range s.BinaryAnnotations {
			n := &zipkincore.BinaryAnnotation{Key: *b.Key, Host: host(b.Endpoint)}
			switch string(b.Value) {
			case "true":
				n.Value, n.AnnotationType = []byte{1}, zipkincore.AnnotationType_BOOL
			case "200":
				n.Value, n.AnnotationType = []byte{0, 200}, zipkincore.AnnotationType_I16
			default:
				n.Value, n.AnnotationType = b.Value[1:len(b.Value)-1], zipkincore.AnnotationType_STRING
			}
			out.BinaryAnnotations = append(out.BinaryAnnotations, n)
		}
		if err := out.Write(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return buffer.Bytes()
}

func host(e *jsonEndpoint) *zipkincore.Endpoint {
	if e == nil {
		return nil
	}
	out := &zipkincore.Endpoint{ServiceName: e.ServiceName, Port: int16(e.Port)}
	switch e.IPv4 {
	case "10.0.0.1":
		out.Ipv4 = 10<<24 | 1
	case "10.0.0.2":
		out.Ipv4 = 10<<24 | 2
	}
	return out
}

// The values of a binary annotation of every type are told as text.
func TestThriftText(t *testing.T) {
	for _, c := range []struct {
		typ   int32
		value string
		want  string
	}{
		{typeBool, "\x01", "true"},
		{typeBool, "\x00", "false"},
		{typeBytes, "\xff\x00", "/wA="},
		{typeI16, "\xff\xff", "-1"},
		{typeI32, "\x00\x00\x00\x07", "7"},
		{typeI64, "\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808"},
		{typeDouble, "\x3f\xf8\x00\x00\x00\x00\x00\x00", "1.5"},
		{typeI32, "cut", "cut"},
		{6, "text", "text"},
	} {
		if got := thriftText(c.typ, []byte(c.value)); got != c.want {
			t.Errorf("%d %q: %q", c.typ, c.value, got)
		}
	}
}

// Services in a span are looked for one by one: there may not be many.
func TestManySides(t *testing.T) {
	for n, ok := range map[int]bool{maxSides: true, maxSides + 1: false} {
		var events []string
		for i := range n {
			events = append(events, fmt.Sprintf(`{"timestamp":1,"value":"v","endpoint":{"serviceName":"s%d"}}`, i))
		}
		body := `[{"traceId":"1","id":"1","annotations":[` + strings.Join(events, ",") + `]}]`
		var b telemetry.Batch
		_, err := newDecoder(ingest.Limits{}).Decode(encodingJSONv1, []byte(body), &b)
		if (err == nil) != ok || !ok && !errors.Is(err, ingest.ErrTooMany) || ok && len(b.Spans) != n {
			t.Errorf("%d services: %v, %d spans", n, err, len(b.Spans))
		}
	}
}

// A span has as many tags and annotations as may be, in any encoding.
func TestManyParts(t *testing.T) {
	many := maxParts + 1
	inProto := "\x0a\x08\x01\x02\x03\x04\x05\x06\x07\x08\x1a\x08\x01\x02\x03\x04\x05\x06\x07\x08" + strings.Repeat("\x52\x00", many)
	size := len(inProto)
	for encoding, body := range map[string]string{
		encodingJSON:   `[{"traceId":"1","id":"1","tags":{"a":""` + strings.Repeat(`,"a":""`, many) + `}}]`,
		encodingJSONv1: `[{"traceId":"1","id":"1","annotations":[{}` + strings.Repeat(`,{}`, many) + `]}]`,
		encodingProto:  string([]byte{0x0a, byte(size) | 0x80, byte(size>>7) | 0x80, byte(size >> 14)}) + inProto,
		encodingThrift: "\x0c\x00\x00\x00\x01\x0f\x00\x06\x0c" + string([]byte{0, byte(many >> 16), byte(many >> 8), byte(many)}) + strings.Repeat("\x00", many+1),
	} {
		var b telemetry.Batch
		if _, err := newDecoder(ingest.Limits{}).Decode(encoding, []byte(body), &b); !errors.Is(err, ingest.ErrTooMany) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}
