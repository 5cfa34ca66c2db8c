package datadog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The test's own writer of MessagePack: values are nil, bool, int, uint64,
// float64, string, []any and dict.
type dict map[string]any

func pack(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 0xc0)
	case bool:
		if v {
			return append(b, 0xc3)
		}
		return append(b, 0xc2)
	case int:
		switch {
		case v >= -32 && v < 128:
			return append(b, byte(v))
		case v >= math.MinInt16 && v <= math.MaxInt16:
			return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(v))
	case uint64:
		return binary.BigEndian.AppendUint64(append(b, 0xcf), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0xcb), math.Float64bits(v))
	case string:
		if len(v) < 32 {
			return append(append(b, 0xa0|byte(len(v))), v...)
		}
		return append(binary.BigEndian.AppendUint16(append(b, 0xda), uint16(len(v))), v...)
	case []any:
		b = binary.BigEndian.AppendUint16(append(b, 0xdc), uint16(len(v)))
		for _, e := range v {
			b = pack(b, e)
		}
		return b
	case dict:
		b = binary.BigEndian.AppendUint16(append(b, 0xde), uint16(len(v)))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b = pack(pack(b, k), v[k])
		}
		return b
	}
	panic(fmt.Sprintf("%T", v))
}

// whole is a trace with everything in it.
func wholeTrace() []any {
	return []any{[]any{
		dict{
			"service": "shop", "name": "web.request", "resource": "GET /users/:id", "type": "web", "trace_id": uint64(0xfedcba9876543210), "span_id": uint64(1) << 63,
			"parent_id": nil, "start": 1_790_000_000_000_000_000, "duration": 5_000_000, "error": 0,
			"meta": dict{
				"_dd.p.tid": "6b02abbd00000000", "_dd.p.dm": "-0", "env": "test", "version": "1.2", "runtime-id": "r1", "language": "javascript", "span.kind": "server",
				"http.method": "GET", "http.status_code": "500", "custom": "ä", "service": "shop", "_dd.hostname": "h1", "events": "mine",
			},
			"metrics": dict{"_sampling_priority_v1": 1.0, "process_id": 42.0, "count": 3, "ratio": 0.5, "_dd.top_level": 1},
			"span_links": []any{
				dict{"trace_id": uint64(2), "trace_id_high": uint64(1), "span_id": uint64(3), "attributes": dict{"a": "b"}, "tracestate": "dd=s:1", "flags": uint64(1<<31 | 1)},
				dict{"trace_id": uint64(2)},
			},
			"span_events": []any{dict{"time_unix_nano": uint64(1_790_000_000_000_000_007), "name": "retry", "attributes": dict{
				"s": dict{"type": 0, "string_value": "x"}, "b": dict{"type": 1, "bool_value": true}, "i": dict{"type": 2, "int_value": -7},
				"d": dict{"type": 3, "double_value": 2.5}, "l": dict{"type": 4, "array_value": dict{"values": []any{dict{"type": 2, "int_value": 1}, dict{"type": 0, "string_value": "y"}}}},
			}}},
			"meta_struct": dict{"appsec": []any{dict{"a": nil}, true, -200, 1.5}},
		},
		dict{
			"service": "shop-db", "name": "pg.query", "resource": "SELECT 1", "type": "sql", "trace_id": uint64(0xfedcba9876543210), "span_id": uint64(5), "parent_id": uint64(1) << 63,
			"start": 1_790_000_000_001_000_000, "duration": 1_000, "error": 1,
			"meta": dict{
				"error.type": "Error", "error.message": "boom", "error.stack": "at x", "out.host": "db1", "network.destination.port": "5432", "db.type": "postgres", "_dd.base_service": "shop",
				"_dd.span_links": `[{"trace_id":"6b02abbd000000001ee19e96f01c9c90","span_id":"1ee19e96f01c9c90","attributes":{"a":"b"},"flags":1},{"trace_id":"x"}]`,
				"events":         `[{"name":"retry","time_unix_nano":1.790000000001e18,"attributes":{"n":1,"list":[1,"x",[2]],"m":{"k":true}}}]`,
			},
		},
		dict{"name": "no id", "trace_id": 7},
	}}
}

const wholeText = `GET /users/:id server 6b02abbd00000000fedcba9876543210 8000000000000000 ← 0000000000000000 1790000000000000000 +5000000 unset ""
  resource deployment.environment.name="test" host.name="h1" process.pid=42 service.instance.id="r1" service.name="shop" service.version="1.2" telemetry.sdk.language="nodejs" telemetry.sdk.name="datadog"
  count=3 custom="ä" events="mine" http.request.method="GET" http.response.status_code=500 operation.name="web.request" ratio=0.5 sampling.priority=1 span.type="web"
  event retry 1790000000000000007 b=true d=2.5 i=-7 l=[1 "y"] s="x"
  link 00000000000000010000000000000002 0000000000000003 dd=s:1 1 a="b"
  1 links dropped
pg.query client 6b02abbd00000000fedcba9876543210 0000000000000005 ← 8000000000000000 1790000000001000000 +1000 error "boom"
  resource deployment.environment.name="test" host.name="h1" process.pid=42 service.instance.id="r1" service.name="shop-db" service.version="1.2" telemetry.sdk.language="nodejs" telemetry.sdk.name="datadog"
  _dd.base_service="shop" db.query.text="SELECT 1" db.system.name="postgres" error.type="Error" server.address="db1" server.port=5432 span.type="sql"
  event retry 1790000000000999936 list=[1 "x" "[2]"] m="{\"k\":true}" n=1
  event exception 1790000000001001000 exception.message="boom" exception.stacktrace="at x" exception.type="Error"
  link 6b02abbd000000001ee19e96f01c9c90 1ee19e96f01c9c90  1 a="b"
  1 links dropped
`

// show writes a batch so that a test can be read.
func show(b *telemetry.Batch) string {
	var out strings.Builder
	attrs := func(r telemetry.Range) string {
		var words []string
		for _, a := range b.AttrsOf(r) {
			words = append(words, a.Key+"="+showValue(a.Value))
		}
		slices.Sort(words)
		return strings.Join(words, " ")
	}
	for i := range b.Spans {
		s := &b.Spans[i]
		fmt.Fprintf(&out, "%s %s %s %s ← %s %d +%d %s %q\n", s.Name, s.Kind, s.TraceID, s.SpanID, s.ParentID, s.Start, s.End-s.Start, s.Status, s.StatusMessage)
		fmt.Fprintf(&out, "  resource %s\n  %s\n", attrs(b.Resources[s.Resource].Attrs), attrs(s.Attrs))
		for _, e := range b.EventsOf(s) {
			fmt.Fprintf(&out, "  event %s %d %s\n", e.Name, e.Time, attrs(e.Attrs))
		}
		for _, l := range b.LinksOf(s) {
			fmt.Fprintf(&out, "  link %s %s %s %d %s\n", l.TraceID, l.SpanID, l.TraceState, l.Flags, attrs(l.Attrs))
		}
		if s.DroppedLinks > 0 {
			fmt.Fprintf(&out, "  %d links dropped\n", s.DroppedLinks)
		}
	}
	return out.String()
}

func showValue(v telemetry.Value) string {
	switch v.Type() {
	case telemetry.ValueString:
		return fmt.Sprintf("%q", v.Str())
	case telemetry.ValueInt:
		return fmt.Sprint(v.Int())
	case telemetry.ValueDouble:
		return fmt.Sprint(v.Double())
	case telemetry.ValueBool:
		return fmt.Sprint(v.Bool())
	case telemetry.ValueArray:
		var words []string
		telemetry.Elements(v.Str(), func(v telemetry.Value) bool { words = append(words, showValue(v)); return true })
		return "[" + strings.Join(words, " ") + "]"
	}
	return v.Type().String()
}

func TestVersion4(t *testing.T) {
	var b telemetry.Batch
	report, err := newDecoder(ingest.Limits{}).Decode(encodingV4, pack(nil, wholeTrace()), &b)
	if err != nil {
		t.Fatal(err)
	}
	if got := show(&b); got != wholeText {
		t.Errorf("got\n%s\nwant\n%s", got, wholeText)
	}
	if report.RejectedSpans != 1 || report.DroppedLinks != 2 {
		t.Errorf("%+v", report)
	}
}

// TestVersion5: the same spans make the same batch, but for native links and
// events, which it has no place for.
func TestVersion5(t *testing.T) {
	table, index := []any{""}, map[string]int{"": 0}
	ref := func(v any) any {
		s, _ := v.(string)
		if _, ok := index[s]; !ok {
			index[s] = len(table)
			table = append(table, s)
		}
		return index[s]
	}
	var chunks []any
	four := wholeTrace()
	for _, chunk := range four {
		var spans []any
		for _, v := range chunk.([]any)[:2] {
			s := v.(dict)
			delete(s, "span_links")
			delete(s, "span_events")
			b := []any{ref(s["service"]), ref(s["name"]), ref(s["resource"]), s["trace_id"], s["span_id"], s["parent_id"], s["start"], s["duration"], s["error"]}
			spans = append(spans, append(b, indexed{s["meta"], ref}, indexed{s["metrics"], ref}, ref(s["type"])))
		}
		chunks = append(chunks, spans)
	}
	four[0] = four[0].([]any)[:2]
	var b4, b5 telemetry.Batch
	if _, err := newDecoder(ingest.Limits{}).Decode(encodingV4, pack(nil, four), &b4); err != nil {
		t.Fatal(err)
	}
	traces := packIndexed(nil, chunks) // fills the table
	body := append(pack([]byte{0x92}, table), traces...)
	if _, err := newDecoder(ingest.Limits{}).Decode(encodingV5, body, &b5); err != nil {
		t.Fatal(err)
	}
	if got, want := show(&b5), show(&b4); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// indexed is a map of version 0.5, whose strings are references.
type indexed struct {
	of  any
	ref func(any) any
}

func packIndexed(b []byte, v any) []byte {
	switch v := v.(type) {
	case []any:
		b = binary.BigEndian.AppendUint16(append(b, 0xdc), uint16(len(v)))
		for _, e := range v {
			b = packIndexed(b, e)
		}
		return b
	case indexed:
		m, _ := v.of.(dict)
		b = append(b, 0x80|byte(len(m)))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			b = pack(b, v.ref(k))
			if s, ok := m[k].(string); ok {
				b = pack(b, v.ref(s))
			} else {
				b = pack(b, m[k])
			}
		}
		return b
	}
	return pack(b, v)
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		name, encoding string
		body           []byte
		want           string
	}{
		{"no array", encodingV4, []byte{0x01}, "an array begins with 0x01"},
		{"cut off", encodingV4, pack(nil, wholeTrace())[:200], "ends early"},
		{"more behind", encodingV4, []byte{0x90, 0x90}, "1 bytes behind"},
		{"a long array", encodingV4, []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, "4294967295 elements in 0 bytes"},
		{"a long map", encodingV4, []byte{0x91, 0x91, 0xdf, 0x80, 0, 0, 0, 0}, "elements in 1 bytes"},
		{"a name of 7", encodingV4, pack(nil, []any{[]any{dict{"name": 7}}}), "a string begins with 0x07"},
		{"an ID of text", encodingV4, pack(nil, []any{[]any{dict{"trace_id": "1"}}}), "a number begins with 0xa1"},
		{"no value", encodingV4, append(pack([]byte{0x91, 0x91, 0x81}, "x"), 0xc1), "a value begins with 0xc1"},
		{"one element", encodingV5, []byte{0x91, 0x90}, "1 elements, want the strings and the traces"},
		{"a short span", encodingV5, []byte{0x92, 0x90, 0x91, 0x91, 0x91, 0x00}, "a span of 1 elements"},
		{"a string too far", encodingV5, append([]byte{0x92, 0x90, 0x91, 0x91, 0x9c}, make([]byte, 12)...), "not in the list of strings"},
	} {
		var b telemetry.Batch
		if _, err := newDecoder(ingest.Limits{}).Decode(c.encoding, c.body, &b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	deep := append(pack([]byte{0x91, 0x91, 0x81}, "x"), slices.Repeat([]byte{0x91}, 100)...)
	many := dict{}
	for i := range 200 {
		many[fmt.Sprint(i)] = "v"
	}
	links := `[{"trace_id":"1"}` + strings.Repeat(`,{"trace_id":"1"}`, 200) + `]`
	for name, body := range map[string][]byte{
		"depth":    append(deep, 0xc0),
		"elements": pack(nil, []any{[]any{dict{"trace_id": 1, "span_id": 1, "meta": many}}}),
		"links":    pack(nil, []any{[]any{dict{"trace_id": 1, "span_id": 1, "meta": dict{"_dd.span_links": links}}}}),
	} {
		var b telemetry.Batch
		if _, err := newDecoder(ingest.Limits{Elements: 150}).Decode(encodingV4, body, &b); !errors.Is(err, ingest.ErrTooMany) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecode: whatever comes makes a batch that holds together, or an error.
func FuzzDecode(f *testing.F) {
	f.Add(false, pack(nil, wholeTrace()))
	f.Add(true, []byte{0x92, 0x91, 0xa0, 0x91, 0x91, 0x9c, 0, 0, 0, 1, 2, 0, 1, 1, 0, 0x80, 0x80, 0})
	f.Add(false, pack(nil, []any{[]any{dict{"trace_id": 1, "span_id": 1, "start": -5, "duration": math.MaxInt64, "meta": dict{"events": `[{"time_unix_nano":1e400}]`}}}}))
	d := newDecoder(ingest.Limits{Elements: 1000})
	f.Fuzz(func(t *testing.T, five bool, body []byte) {
		var b telemetry.Batch
		encoding := encodingV4
		if five {
			encoding = encodingV5
		}
		if _, err := d.Decode(encoding, body, &b); err != nil {
			return
		}
		for i := range b.Spans {
			if s := &b.Spans[i]; s.TraceID.IsZero() || s.SpanID.IsZero() || s.End < s.Start || int(s.Resource) >= len(b.Resources) || int(s.Scope) >= len(b.Scopes) {
				t.Fatalf("span %+v", s)
			}
		}
		if len(b.Spans) > 1000 || len(b.Events)+len(b.Links) > 3000 {
			t.Fatalf("%d spans, %d events, %d links", len(b.Spans), len(b.Events), len(b.Links))
		}
		_ = show(&b)
	})
}

// BenchmarkDecode is a request of 1,000 spans of 20 tags.
func BenchmarkDecode(b *testing.B) {
	meta, metrics := dict{"_dd.p.tid": "6b02abbd00000000", "env": "test", "span.kind": "client"}, dict{"_sampling_priority_v1": 1.0, "process_id": 42.0}
	for i := range 12 {
		meta[fmt.Sprintf("some.tag.%d", i)] = fmt.Sprintf("a value of it, number %d", i)
	}
	var chunks []any
	for i := range 100 {
		var spans []any
		for j := range 10 {
			spans = append(spans, dict{"service": "shop", "name": "web.request", "resource": "GET /users/:id", "type": "web", "trace_id": i + 1, "span_id": j + 1,
				"parent_id": j, "start": 1_790_000_000_000_000_000, "duration": 5_000_000, "error": 0, "meta": meta, "metrics": metrics})
		}
		chunks = append(chunks, spans)
	}
	body := pack(nil, chunks)
	d, batch := newDecoder(ingest.Limits{}), telemetry.Batch{}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if _, err := d.Decode(encodingV4, body, &batch); err != nil || len(batch.Spans) != 1000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/span")
}
