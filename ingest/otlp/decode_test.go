package otlp

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

var testLimits = DecodeLimits{Depth: 32, Elements: 1 << 20}

func encodeProto(t testing.TB, td ptrace.Traces) []byte {
	t.Helper()
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func encodeJSON(t testing.TB, td ptrace.Traces) []byte {
	t.Helper()
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// What pdata writes of a random batch is read back as that batch, in both
// encodings, and by one decoder over and over.
func TestRoundTrip(t *testing.T) {
	d := NewDecoder(testLimits)
	var got telemetry.Batch
	for seed := range uint64(60) {
		batch := telemetrytest.Random(seed, 20)
		want := telemetrytest.Dump(batch)
		td := toTraces(batch)
		for _, encoding := range []struct {
			name   string
			body   []byte
			decode func([]byte, *telemetry.Batch) (ingest.Report, error)
		}{{"protobuf", encodeProto(t, td), d.DecodeProto}, {"json", encodeJSON(t, td), d.DecodeJSON}} {
			report, err := encoding.decode(encoding.body, &got)
			if err != nil || report != (ingest.Report{}) {
				t.Fatalf("seed %d, %s: %v, %+v", seed, encoding.name, err, report)
			}
			if err := checkInvariants(&got); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, encoding.name, err)
			}
			if dump := telemetrytest.Dump(&got); dump != want {
				t.Fatalf("seed %d, %s:\ngot\n%s\nwant\n%s", seed, encoding.name, dump, want)
			}
		}
	}
}

// Spans share the resource and the scope they are sent with.
func TestSharedResource(t *testing.T) {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range byte(3) {
		s := spans.AppendEmpty()
		s.SetTraceID([16]byte{1})
		s.SetSpanID([8]byte{i + 1})
	}
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty() // without spans: leaves no trace
	d := NewDecoder(testLimits)
	for name, decode := range map[string]func(*telemetry.Batch) (ingest.Report, error){
		"protobuf": func(b *telemetry.Batch) (ingest.Report, error) { return d.DecodeProto(encodeProto(t, td), b) },
		"json":     func(b *telemetry.Batch) (ingest.Report, error) { return d.DecodeJSON(encodeJSON(t, td), b) },
	} {
		var b telemetry.Batch
		if _, err := decode(&b); err != nil || len(b.Resources) != 1 || len(b.Scopes) != 1 || len(b.Spans) != 3 {
			t.Errorf("%s: %v, %d resources, %d scopes, %d spans", name, err, len(b.Resources), len(b.Scopes), len(b.Spans))
		}
	}
}

// msg makes a protobuf message of the fields given as number, content.
func msg(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		number := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
		case string:
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), []byte(v))
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
		case uint64:
			b = protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), v)
		}
	}
	return b
}

const (
	traceID = "0123456789abcdef"
	spanID  = "01234567"
)

// wrapSpans makes a request of span messages.
func wrapSpans(spans ...[]byte) []byte {
	var scopeSpans []any
	for _, s := range spans {
		scopeSpans = append(scopeSpans, 2, s)
	}
	return msg(1, msg(2, msg(scopeSpans...)))
}

// span makes a span with ids and further fields.
func span(fields ...any) []byte { return append(msg(1, traceID, 2, spanID), msg(fields...)...) }

// protoCases are odd but well-formed requests; Google's library is the judge.
var protoCases = map[string][]byte{
	"empty":                        {},
	"two events around attributes": wrapSpans(span(9, msg(1, "a"), 11, msg(2, "e", 3, msg(1, "x")), 9, msg(1, "b"), 13, msg(1, traceID, 2, spanID, 4, msg(1, "l")), 11, msg(2, "f"), 9, msg(1, "c"))),
	"value before key":             wrapSpans(span(9, msg(2, msg(1, "v"), 1, "k"))),
	"last scalar wins":             wrapSpans(span(5, "first", 5, "last", 6, 2, 6, 3)),
	"status merged":                wrapSpans(span(15, msg(2, "why", 3, 2), 15, msg(3, 1))),
	"resource merged": msg(1, msg(
		1, msg(1, msg(1, "a"), 2, 7), 2, msg(1, msg(1, "s"), 2, span(9, msg(1, "in"))), 3, "url",
		1, msg(1, msg(1, "b")), 2, msg(2, span(), 1, msg(2, "v2", 3, msg(1, "sa")), 1, msg(1, "name")))),
	"value merged":         wrapSpans(span(9, msg(1, "k", 2, msg(5, msg(1, msg(1, "a"))), 2, msg(), 2, msg(5, msg(1, msg(3, 5)))))),
	"oneof, last wins":     wrapSpans(span(9, msg(1, "k", 2, msg(5, msg(1, msg(1, "a")), 1, "s", 3, 7)))),
	"oneof, array again":   wrapSpans(span(9, msg(2, msg(5, msg(1, msg(1, "a")), 3, 7, 5, msg(1, msg(1, "b")))))),
	"map merged in array":  wrapSpans(span(9, msg(2, msg(5, msg(1, msg(6, msg(1, msg(1, "k", 2, msg(1, "v"))), 6, msg(1, msg(1, "l", 2, msg(2, 1))))))))),
	"nested value twice":   wrapSpans(span(9, msg(2, msg(6, msg(1, msg(1, "k", 2, msg(1, "v"), 2, msg(), 2, msg(8, 3))))))),
	"string table indexes": wrapSpans(span(9, msg(1, "k", 2, msg(1, "s", 8, 3), 3, 4))),
	"unknown fields":       wrapSpans(span(100, "x", 101, 5, 102, uint64(7), 5, "n", 9, msg(7, "x", 1, "k"))),
	"other wire types":     wrapSpans(span(5, 5, 7, 5, 6, "six", 9, msg(2, msg(1, 5, 2, "x", 4, 3)))),
	"long varints":         wrapSpans(span(6, 1<<40|3, 10, 1<<40|9, 9, msg(2, msg(3, -5)))),
	"kind out of range":    wrapSpans(span(6, 77, 15, msg(3, 9))),
	"bad ids":              wrapSpans(msg(1, traceID), msg(2, spanID), msg(1, "short", 2, spanID), span(4, "short"), span(1, strings.Repeat("\x00", 16)), span()),
	"bad links":            wrapSpans(span(13, msg(1, traceID), 13, msg(4, msg(1, "gone"), 1, traceID, 2, spanID), 13, msg(4, msg(1, "x")), 14, 2)),
	"zero parent":          wrapSpans(span(4, strings.Repeat("\x00", 8))),
}

func TestProtoRules(t *testing.T) {
	for name, body := range protoCases {
		t.Run(name, func(t *testing.T) {
			if !compareProto(t, body) {
				t.Error("one of the decoders refuses it")
			}
		})
	}
}

// compareProto reports whether both we and Google's library accept the body,
// and fails the test if both do and differ.
func compareProto(t *testing.T, body []byte) bool {
	var m coltracepb.ExportTraceServiceRequest
	oracleErr := proto.Unmarshal(body, &m)
	return compare(t, body, (*Decoder).DecodeProto, &m, oracleErr, protoID)
}

func compareJSON(t *testing.T, body []byte) bool {
	var m coltracepb.ExportTraceServiceRequest
	oracleErr := protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, &m)
	return compare(t, body, (*Decoder).DecodeJSON, &m, oracleErr, jsonID)
}

func compare(t *testing.T, body []byte, decode func(*Decoder, []byte, *telemetry.Batch) (ingest.Report, error),
	m *coltracepb.ExportTraceServiceRequest, oracleErr error, id func([]byte) []byte) bool {
	t.Helper()
	var got telemetry.Batch
	d := NewDecoder(DecodeLimits{Depth: 8, Elements: 1 << 12})
	report, err := decode(d, body, &got)
	if err != nil {
		return false
	}
	if err := checkInvariants(&got); err != nil {
		t.Fatal(err)
	}
	dump := telemetrytest.Dump(&got)
	if malformed(dump) {
		t.Fatalf("a nested value is malformed:\n%s", dump)
	}
	if !utf8.ValidString(strings.ReplaceAll(dump, `\x`, "")) {
		t.Fatalf("invalid UTF-8:\n%s", dump)
	}
	if oracleErr != nil {
		return false
	}
	want := oracle{id: id}
	want.request(m)
	if w := telemetrytest.Dump(&want.b); dump != w || report.RejectedSpans != want.rejected {
		t.Fatalf("rejected %d, want %d; got\n%s\nwant\n%s", report.RejectedSpans, want.rejected, dump, w)
	}
	return true
}

func nestedProto(levels int) []byte {
	value := msg(3, 1)
	for range levels {
		value = msg(5, msg(1, value))
	}
	return wrapSpans(span(9, msg(1, "k", 2, value)))
}

func nestedJSON(levels int) string {
	value := strings.Repeat(`{"arrayValue":{"values":[`, levels) + `{"intValue":1}` + strings.Repeat(`]}}`, levels)
	return `{"resourceSpans":[{"scopeSpans":[{"spans":[` + jsonSpan(`"attributes":[{"key":"k","value":`+value+`}]`) + `]}]}]}`
}

func jsonSpan(fields string) string {
	return `{"traceId":"30313233343536373839616263646566","spanId":"3031323334353637",` + fields + `}`
}

func jsonRequest(spans ...string) string {
	return `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Join(spans, ",") + `]}]}]}`
}

// Malformed requests are refused with a reason and a place.
func TestProtoErrors(t *testing.T) {
	whole := wrapSpans(span(5, "name"))
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"cut off", whole[:len(whole)-1], "field cut off at byte 0"},
		{"cut off inside", wrapSpans(span(), append(span(), 0x2a, 9)), "field cut off at byte 64, in resourceSpans[0].scopeSpans[0].spans[1]"},
		{"group", wrapSpans(append(span(), 0x1b)), "group, which OTLP does not have at byte 34, in resourceSpans[0].scopeSpans[0].spans[0]"},
		{"field zero", []byte{0x02, 0x00}, "field number out of range at byte 0"},
		{"varint too long", []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "malformed field tag at byte 0"},
		{"wire type", []byte{0x0f}, "unknown wire type at byte 0"},
		{"nested value", wrapSpans(span(9, msg(2, msg(5, "\x0a\x05")))), "field cut off at byte 40, in resourceSpans[0].scopeSpans[0].spans[0]"},
		{"too deep", nestedProto(33), "attribute value nested deeper than 32 levels at byte 179, in resourceSpans[0].scopeSpans[0].spans[0]"},
	} {
		var b telemetry.Batch
		_, err := NewDecoder(testLimits).DecodeProto(c.body, &b)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	var b telemetry.Batch
	if _, err := NewDecoder(testLimits).DecodeProto(nestedProto(32), &b); err != nil {
		t.Errorf("32 levels: %v", err)
	}
}

func TestElementLimit(t *testing.T) {
	body := wrapSpans(span(9, "", 9, "", 9, ""))
	json := jsonRequest(jsonSpan(`"attributes":[{},{},{}]`))
	for elements, ok := range map[int]bool{3: false, 4: true} {
		d := NewDecoder(DecodeLimits{Depth: 1, Elements: elements})
		var b telemetry.Batch
		_, protoErr := d.DecodeProto(body, &b)
		_, jsonErr := d.DecodeJSON([]byte(json), &b)
		for _, err := range []error{protoErr, jsonErr} {
			if tooMany := err != nil && err.(*DecodeError).TooMany; tooMany == ok {
				t.Errorf("limit %d: %v", elements, err)
			}
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	const bad, good = "a\xff\xfeb", "a\uFFFDb"
	body := wrapSpans(span(5, bad, 9, msg(1, bad, 2, msg(1, bad)), 9, msg(1, "n", 2, msg(6, msg(1, msg(1, bad, 2, msg(5, msg(1, msg(1, bad)))))))))
	json := jsonRequest(jsonSpan(fmt.Sprintf(`"name":"%[1]s","attributes":[{"key":"%[1]s","value":{"stringValue":"%[1]s"}},
		{"key":"n","value":{"kvlistValue":{"values":[{"key":"%[1]s","value":{"arrayValue":{"values":[{"stringValue":"%[1]s"}]}}}]}}}]`, bad)))
	d := NewDecoder(testLimits)
	for _, c := range []struct {
		body   string
		decode func([]byte, *telemetry.Batch) (ingest.Report, error)
	}{{string(body), d.DecodeProto}, {json, d.DecodeJSON}} {
		var b telemetry.Batch
		report, err := c.decode([]byte(c.body), &b)
		if err != nil || report.InvalidUTF8 != 5 {
			t.Fatalf("%v, %+v", err, report)
		}
		dump := telemetrytest.Dump(&b)
		for _, want := range []string{"name=\"" + good, `"` + good + `" = string "` + good, `"n" = map {"` + good + `": array [string "` + good} {
			if !strings.Contains(dump, want) {
				t.Errorf("%q is not in\n%s", want, dump)
			}
		}
	}
}

func TestRejectedSpans(t *testing.T) {
	zero := strings.Repeat("\x00", 16)
	body := wrapSpans(span(), msg(2, spanID), msg(2, spanID, 1, "x"), msg(1, zero, 2, spanID), msg(1, traceID), msg(1, traceID, 2, zero[:8]), span(4, "x"))
	json := jsonRequest(jsonSpan(`"name":"ok"`), `{}`, `null`, jsonSpan(`"traceId":"00000000000000000000000000000000"`),
		jsonSpan(`"spanId":"00"`), jsonSpan(`"spanId":"0000000000000000"`), jsonSpan(`"parentSpanId":"MDEyMzQ1Njc="`))
	const want = "6 spans rejected: trace_id is not 16 bytes (2), trace_id is all zero (1), span_id is not 8 bytes (1), span_id is all zero (1), parent_span_id is not 8 bytes (1)"
	d := NewDecoder(testLimits)
	var b telemetry.Batch
	report, err := d.DecodeProto(body, &b)
	if err != nil || report.Reason != want || report.RejectedSpans != 6 || len(b.Spans) != 1 {
		t.Errorf("protobuf: %v, %+v", err, report)
	}
	report, err = d.DecodeJSON([]byte(json), &b)
	if err != nil || report.Reason != want || report.RejectedSpans != 6 || len(b.Spans) != 1 {
		t.Errorf("json: %v, %+v", err, report)
	}
}

func FuzzDecodeProto(f *testing.F) {
	for _, body := range protoCases {
		f.Add(body)
	}
	for seed := range uint64(4) {
		f.Add(encodeProto(f, toTraces(telemetrytest.Random(seed, 3))))
	}
	f.Add(nestedProto(9))
	f.Fuzz(func(t *testing.T, body []byte) { compareProto(t, body) })
}

// Once its memory has grown, a decoder allocates nothing, whatever the
// request has in it.
func TestNoAllocation(t *testing.T) {
	td := toTraces(telemetrytest.Random(1, 200))
	protoBody, jsonBody := encodeProto(t, td), encodeJSON(t, td)
	d := NewDecoder(testLimits)
	var b telemetry.Batch
	if n := testing.AllocsPerRun(20, func() {
		if _, err := d.DecodeProto(protoBody, &b); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("protobuf: %v allocations", n)
	}
	if n := testing.AllocsPerRun(20, func() {
		if _, err := d.DecodeJSON(jsonBody, &b); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("json: %v allocations", n)
	}
}

// Requests made to be expensive keep the memory of a decoder in proportion to
// their size.
func TestHostileShapes(t *testing.T) {
	const n = 2000
	repeat := func(b []byte) []byte { return []byte(strings.Repeat(string(b), n)) }
	array := msg(5, msg(1, msg(1, "element")))
	for name, body := range map[string][]byte{
		"attributes and events in turn": wrapSpans(append(span(), repeat(msg(9, msg(1, "k"), 11, msg(3, msg(1, "e"))))...)),
		"array repeated":                wrapSpans(span(9, msg(2, repeat(array)))),
		"array and number in turn":      wrapSpans(span(9, msg(2, repeat(append(msg(3, 1), array...))))),
		"value repeated":                wrapSpans(span(9, repeat(msg(2, array)))),
		"resource and scopes in turn":   repeat(msg(1, msg(1, msg(1, msg(1, "r")), 2, msg(2, span())))),
		"name repeated":                 wrapSpans(append(span(), repeat(msg(5, "\xff"))...)),
	} {
		d := NewDecoder(testLimits)
		var b telemetry.Batch
		if _, err := d.DecodeProto(body, &b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(d.arena) > 4*len(body) || len(b.Attrs) > 2*n {
			t.Errorf("%s: %d bytes became %d of arena and %d attributes", name, len(body), len(d.arena), len(b.Attrs))
		}
	}
}

// TestASCII puts one byte above 127 at each place of texts of each length.
func TestASCII(t *testing.T) {
	for n := range 40 {
		text := []byte(strings.Repeat("\x7f", n))
		if !ascii(string(text)) {
			t.Errorf("%d bytes of ASCII are not", n)
		}
		for i := range text {
			text[i] = 0x80
			if ascii(string(text)) {
				t.Errorf("byte %d of %d was not looked at", i, n)
			}
			text[i] = 0x7f
		}
	}
}
