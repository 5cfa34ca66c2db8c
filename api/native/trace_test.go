package native_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

var rewrite = flag.Bool("rewrite", false, "write the answers the tests get to testdata")

// TestGolden holds every answer about the shop against the text in testdata.
func TestGolden(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	for name, path := range map[string]string{
		"search":     "/traces",
		"otlp":       "/traces/000000000000000000000000000000aa",
		"columns":    "/traces/000000000000000000000000000000aa?format=columns",
		"services":   "/services",
		"operations": "/operations",
		"aggregate":  "/aggregate",
		"attributes": "/attributes",
		"values":     "/attributes/resource.service.name/values",
		"status":     "/status",
		"words":      "/words",
	} {
		var got bytes.Buffer
		if err := json.Indent(&got, []byte(withoutTime(c.get(path, http.StatusOK))), "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		file := "testdata/" + name + ".json"
		if *rewrite {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs; got\n%s", file, &got)
		}
	}
}

// TestOTLPReadsBack: another implementation of OTLP/JSON reads what was
// stored, bit for bit.
func TestOTLPReadsBack(t *testing.T) {
	for seed := range uint64(20) {
		want := telemetrytest.Random(seed, 100)
		text := otlpjson.Append(nil, want)
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if g, w := telemetrytest.Dump(fromPdata(traces)), telemetrytest.Dump(want); g != w {
			t.Fatalf("seed %d\ngot\n%s\nwant\n%s", seed, g, w)
		}
	}
}

type reader struct{ b telemetry.Batch }

func fromPdata(traces ptrace.Traces) *telemetry.Batch {
	r := &reader{}
	for _, rs := range traces.ResourceSpans().All() {
		r.b.Resources = append(r.b.Resources, telemetry.Resource{
			Attrs: r.attrs(rs.Resource().Attributes()), DroppedAttrs: rs.Resource().DroppedAttributesCount(), SchemaURL: rs.SchemaUrl(),
		})
		for _, ss := range rs.ScopeSpans().All() {
			r.b.Scopes = append(r.b.Scopes, telemetry.Scope{
				Name: ss.Scope().Name(), Version: ss.Scope().Version(), Attrs: r.attrs(ss.Scope().Attributes()),
				DroppedAttrs: ss.Scope().DroppedAttributesCount(), SchemaURL: ss.SchemaUrl(),
			})
			for _, s := range ss.Spans().All() {
				r.span(s)
			}
		}
	}
	return &r.b
}

func (r *reader) span(s ptrace.Span) {
	out := telemetry.Span{
		TraceID: telemetry.TraceID(s.TraceID()), SpanID: telemetry.SpanID(s.SpanID()), ParentID: telemetry.SpanID(s.ParentSpanID()),
		Start: uint64(s.StartTimestamp()), End: uint64(s.EndTimestamp()), Name: s.Name(), TraceState: s.TraceState().AsRaw(),
		StatusMessage: s.Status().Message(), Flags: s.Flags(), Kind: telemetry.Kind(s.Kind()), Status: telemetry.Status(s.Status().Code()),
		Resource: uint32(len(r.b.Resources) - 1), Scope: uint32(len(r.b.Scopes) - 1), Attrs: r.attrs(s.Attributes()),
		DroppedAttrs: s.DroppedAttributesCount(), DroppedEvents: s.DroppedEventsCount(), DroppedLinks: s.DroppedLinksCount(),
	}
	out.Events.Start, out.Links.Start = uint32(len(r.b.Events)), uint32(len(r.b.Links))
	for _, e := range s.Events().All() {
		r.b.Events = append(r.b.Events, telemetry.Event{
			Time: uint64(e.Timestamp()), Name: e.Name(), Attrs: r.attrs(e.Attributes()), DroppedAttrs: e.DroppedAttributesCount(),
		})
	}
	for _, l := range s.Links().All() {
		r.b.Links = append(r.b.Links, telemetry.Link{
			TraceID: telemetry.TraceID(l.TraceID()), SpanID: telemetry.SpanID(l.SpanID()), TraceState: l.TraceState().AsRaw(),
			Attrs: r.attrs(l.Attributes()), DroppedAttrs: l.DroppedAttributesCount(), Flags: l.Flags(),
		})
	}
	out.Events.End, out.Links.End = uint32(len(r.b.Events)), uint32(len(r.b.Links))
	r.b.Spans = append(r.b.Spans, out)
}

func (r *reader) attrs(m pcommon.Map) telemetry.Range {
	start := uint32(len(r.b.Attrs))
	for k, v := range m.All() {
		r.b.Attrs = append(r.b.Attrs, telemetry.Attr{Key: k, Value: value(v)})
	}
	return telemetry.Range{Start: start, End: uint32(len(r.b.Attrs))}
}

func value(v pcommon.Value) telemetry.Value {
	var enc []byte
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return telemetry.StringValue(v.Str())
	case pcommon.ValueTypeBool:
		return telemetry.BoolValue(v.Bool())
	case pcommon.ValueTypeInt:
		return telemetry.IntValue(v.Int())
	case pcommon.ValueTypeDouble:
		return telemetry.DoubleValue(v.Double())
	case pcommon.ValueTypeBytes:
		return telemetry.BytesValue(string(v.Bytes().AsRaw()))
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			enc = telemetry.AppendElement(enc, value(e))
		}
		return telemetry.ArrayValue(string(enc))
	case pcommon.ValueTypeMap:
		for k, e := range v.Map().All() {
			enc = telemetry.AppendEntry(enc, k, value(e))
		}
		return telemetry.MapValue(string(enc))
	}
	return telemetry.Value{}
}

// TestNumbersThatJSONLacks: NaN and the infinities are strings, as in
// protojson, in both forms of a trace.
func TestNumbersThatJSONLacks(t *testing.T) {
	b := shop()
	first := uint32(len(b.Attrs))
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "odd", Value: telemetry.DoubleValue(f)})
	}
	b.Spans[1].Attrs = telemetry.Range{Start: first, End: uint32(len(b.Attrs))}
	c := newClient(t, scantest.New(b))
	for _, path := range []string{"/traces/000000000000000000000000000000aa", "/traces/000000000000000000000000000000aa?format=columns"} {
		body := c.get(path, http.StatusOK)
		for _, want := range []string{`{"doubleValue":"NaN"}`, `{"doubleValue":"Infinity"}`, `{"doubleValue":"-Infinity"}`} {
			if !strings.Contains(body, want) || !json.Valid([]byte(body)) {
				t.Errorf("%s: no %s in %s", path, want, body)
			}
		}
	}
	text := c.get("/traces/000000000000000000000000000000aa", http.StatusOK)
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces([]byte(text))
	if err != nil || traces.SpanCount() != 2 {
		t.Errorf("another reader of OTLP/JSON: %v", err)
	}
}

// TestColumnsReadBack rebuilds the attribute lists from the columns.
func TestColumnsReadBack(t *testing.T) {
	b := telemetrytest.Random(3, 60)
	c := newClient(t, scantest.New(b))
	id := b.Spans[0].TraceID
	var got struct {
		Strings []string
		Spans   struct {
			ID    []string
			Name  []int
			Attrs []int
		}
		Attributes struct {
			Key   []int
			Value []json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(c.get("/traces/"+id.String()+"?format=columns", http.StatusOK)), &got); err != nil {
		t.Fatal(err)
	}
	lists := map[string]string{}
	for i, span := range got.Spans.ID {
		var w strings.Builder
		fmt.Fprintf(&w, "%q", got.Strings[got.Spans.Name[i]])
		for a := got.Spans.Attrs[i]; a < got.Spans.Attrs[i+1]; a++ {
			fmt.Fprintf(&w, " %q=%s", got.Strings[got.Attributes.Key[a]], got.Attributes.Value[a])
		}
		lists[span] = w.String()
	}
	n := 0
	for i := range b.Spans {
		s := &b.Spans[i]
		if s.TraceID != id {
			continue
		}
		n++
		var w strings.Builder
		fmt.Fprintf(&w, "%q", s.Name)
		for _, a := range b.AttrsOf(s.Attrs) {
			fmt.Fprintf(&w, " %q=%s", a.Key, otlpjson.AppendValue(nil, a.Value))
		}
		if lists[s.SpanID.String()] != w.String() {
			t.Errorf("span %s: got %s, want %s", s.SpanID, lists[s.SpanID.String()], &w)
		}
	}
	if n != len(lists) {
		t.Errorf("got %d spans, want %d", len(lists), n)
	}
}
