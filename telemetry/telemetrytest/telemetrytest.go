// Package telemetrytest helps tests to make batches and to compare them.
package telemetrytest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Random makes a batch of n spans in a few traces that uses every field and
// every type of value, odd ones included. Equal seeds give equal batches.
func Random(seed uint64, n int) *telemetry.Batch {
	g := generator{r: rand.New(rand.NewPCG(seed, 0x6b6973656b69))}
	for range 1 + g.r.IntN(3) {
		// One resource has a service name, as nearly all of them do.
		start := len(g.b.Attrs)
		g.attr("service.name", telemetry.StringValue(g.pick("cart", "payment", "frontend", "在庫")))
		g.attrs(g.r.IntN(4))
		g.b.Resources = append(g.b.Resources, telemetry.Resource{
			Attrs: g.since(start), DroppedAttrs: uint32(g.r.IntN(2)), SchemaURL: g.pick("", "https://opentelemetry.io/schemas/1.37.0"),
		})
	}
	for range 1 + g.r.IntN(3) {
		g.b.Scopes = append(g.b.Scopes, telemetry.Scope{
			Name: g.pick("", "net/http", "database/sql"), Version: g.pick("", "1.2.3"),
			Attrs: g.attrs(g.r.IntN(2)), DroppedAttrs: uint32(g.r.IntN(2)), SchemaURL: g.pick("", "https://example.com/s"),
		})
	}
	var trace telemetry.TraceID
	var parents []telemetry.SpanID
	for len(g.b.Spans) < n {
		if len(parents) == 0 || g.r.IntN(8) == 0 {
			g.fill(trace[:])
			parents = append(parents[:0], telemetry.SpanID{})
		}
		s := g.span(trace, parents[g.r.IntN(len(parents))])
		parents = append(parents, s.SpanID)
		g.b.Spans = append(g.b.Spans, s)
	}
	return &g.b
}

type generator struct {
	r *rand.Rand
	b telemetry.Batch
}

func (g *generator) pick(s ...string) string { return s[g.r.IntN(len(s))] }

func (g *generator) fill(id []byte) {
	for i := range id {
		id[i] = byte(g.r.Uint32())
	}
}

func (g *generator) since(start int) telemetry.Range {
	return telemetry.Range{Start: uint32(start), End: uint32(len(g.b.Attrs))}
}

func (g *generator) attr(key string, v telemetry.Value) {
	g.b.Attrs = append(g.b.Attrs, telemetry.Attr{Key: key, Value: v})
}

func (g *generator) attrs(n int) telemetry.Range {
	start := len(g.b.Attrs)
	for i := range n {
		g.attr(fmt.Sprintf("%s%d", g.pick("http.route", "db.query.text", "user.id", "", "鍵"), i), g.value(2))
	}
	return g.since(start)
}

func (g *generator) value(depth int) telemetry.Value {
	switch n := g.r.IntN(16); {
	case n < 5:
		return telemetry.StringValue(g.pick("", "GET", "/cart/{id}", "日本語", strings.Repeat("x", g.r.IntN(300)), fmt.Sprint(g.r.Uint64())))
	case n < 7:
		return telemetry.IntValue(int64(g.r.Uint64()) >> g.r.IntN(64))
	case n < 8:
		return telemetry.IntValue([]int64{0, -1, math.MaxInt64, math.MinInt64, 200, 404}[g.r.IntN(6)])
	case n < 9:
		return telemetry.BoolValue(g.r.IntN(2) == 0)
	case n < 11:
		return telemetry.DoubleValue([]float64{0, 0.25, -1e300, math.Inf(1), math.SmallestNonzeroFloat64, g.r.Float64()}[g.r.IntN(6)])
	case n < 12:
		return telemetry.BytesValue(string([]byte{0, 255, byte(g.r.Uint32())}[:g.r.IntN(4)]))
	case n < 13:
		return telemetry.Value{}
	case depth == 0:
		return telemetry.StringValue("leaf")
	case n < 15:
		var enc []byte
		for range g.r.IntN(4) {
			enc = telemetry.AppendElement(enc, g.value(depth-1))
		}
		return telemetry.ArrayValue(string(enc))
	}
	var enc []byte
	for i := range g.r.IntN(4) {
		enc = telemetry.AppendEntry(enc, fmt.Sprint("k", i), g.value(depth-1))
	}
	return telemetry.MapValue(string(enc))
}

func (g *generator) span(trace telemetry.TraceID, parent telemetry.SpanID) telemetry.Span {
	const day = 86_400_000_000_000
	s := telemetry.Span{
		TraceID: trace, ParentID: parent,
		Start: 1_790_000_000_000_000_000 + g.r.Uint64N(day), Name: g.pick("GET /cart", "SELECT", "charge", "", "注文"),
		TraceState: g.pick("", "ot=th:c", "vendor=1,other=2"), StatusMessage: g.pick("", "card declined"),
		Flags: uint32(g.r.IntN(1 << 10)), Kind: telemetry.Kind(g.r.IntN(6)), Status: telemetry.Status(g.r.IntN(3)),
		Resource: uint32(g.r.IntN(len(g.b.Resources))), Scope: uint32(g.r.IntN(len(g.b.Scopes))),
		DroppedAttrs: uint32(g.r.IntN(3) / 2), DroppedEvents: uint32(g.r.IntN(3) / 2), DroppedLinks: uint32(g.r.IntN(3) / 2),
	}
	g.fill(s.SpanID[:])
	switch g.r.IntN(12) {
	case 0:
		s.End = 0
	case 1:
		s.End = s.Start - 5
	default:
		s.End = s.Start + g.r.Uint64N(1<<g.r.IntN(40))
	}
	s.Attrs = g.attrs(g.r.IntN(8))
	first := uint32(len(g.b.Events))
	for range g.r.IntN(6) / 3 {
		g.b.Events = append(g.b.Events, telemetry.Event{
			Time: s.Start + uint64(g.r.IntN(1000)), Name: g.pick("exception", "", "log"),
			Attrs: g.attrs(g.r.IntN(3)), DroppedAttrs: uint32(g.r.IntN(2)),
		})
	}
	s.Events = telemetry.Range{Start: first, End: uint32(len(g.b.Events))}
	first = uint32(len(g.b.Links))
	for range g.r.IntN(6) / 4 {
		l := telemetry.Link{
			TraceState: g.pick("", "a=b"), Attrs: g.attrs(g.r.IntN(3)),
			DroppedAttrs: uint32(g.r.IntN(2)), Flags: uint32(g.r.IntN(1 << 10)),
		}
		g.fill(l.TraceID[:])
		g.fill(l.SpanID[:])
		g.b.Links = append(g.b.Links, l)
	}
	s.Links = telemetry.Range{Start: first, End: uint32(len(g.b.Links))}
	return s
}

// Dump is all that b says, as text: one paragraph a span with its resource
// and scope written out, sorted, so that batches with equal spans have equal
// dumps whatever their order and sharing.
func Dump(b *telemetry.Batch) string {
	spans := make([]string, len(b.Spans))
	for i := range b.Spans {
		spans[i] = DumpSpan(b, i)
	}
	slices.Sort(spans)
	return strings.Join(spans, "\n")
}

// DumpSpan is the text of span i of b.
func DumpSpan(b *telemetry.Batch, i int) string {
	var w strings.Builder
	s := &b.Spans[i]
	fmt.Fprintf(&w, "span %s/%s parent=%s name=%q start=%d end=%d kind=%s status=%s message=%q state=%q flags=%#x dropped=%d/%d/%d\n",
		s.TraceID, s.SpanID, s.ParentID, s.Name, s.Start, s.End, s.Kind, s.Status, s.StatusMessage, s.TraceState, s.Flags,
		s.DroppedAttrs, s.DroppedEvents, s.DroppedLinks)
	dumpAttrs(&w, "  ", b.AttrsOf(s.Attrs))
	for _, e := range b.EventsOf(s) {
		fmt.Fprintf(&w, "  event %q time=%d dropped=%d\n", e.Name, e.Time, e.DroppedAttrs)
		dumpAttrs(&w, "    ", b.AttrsOf(e.Attrs))
	}
	for _, l := range b.LinksOf(s) {
		fmt.Fprintf(&w, "  link %s/%s state=%q flags=%#x dropped=%d\n", l.TraceID, l.SpanID, l.TraceState, l.Flags, l.DroppedAttrs)
		dumpAttrs(&w, "    ", b.AttrsOf(l.Attrs))
	}
	c := b.Scopes[s.Scope]
	fmt.Fprintf(&w, "  scope %q %q schema=%q dropped=%d\n", c.Name, c.Version, c.SchemaURL, c.DroppedAttrs)
	dumpAttrs(&w, "    ", b.AttrsOf(c.Attrs))
	r := b.Resources[s.Resource]
	fmt.Fprintf(&w, "  resource schema=%q dropped=%d\n", r.SchemaURL, r.DroppedAttrs)
	dumpAttrs(&w, "    ", b.AttrsOf(r.Attrs))
	return w.String()
}

func dumpAttrs(w *strings.Builder, indent string, attrs []telemetry.Attr) {
	for _, a := range attrs {
		fmt.Fprintf(w, "%s%q = %s\n", indent, a.Key, DumpValue(a.Value))
	}
}

// DumpValue is the text of v, which shows its type and every bit.
func DumpValue(v telemetry.Value) string {
	var parts []string
	switch v.Type() {
	case telemetry.ValueString, telemetry.ValueBytes:
		return fmt.Sprintf("%s %q", v.Type(), v.Str())
	case telemetry.ValueBool:
		return fmt.Sprintf("bool %t", v.Bool())
	case telemetry.ValueInt:
		return fmt.Sprintf("int %d", v.Int())
	case telemetry.ValueDouble:
		return fmt.Sprintf("double %g %#x", v.Double(), v.Num())
	case telemetry.ValueArray:
		err := telemetry.Elements(v.Str(), func(e telemetry.Value) bool {
			parts = append(parts, DumpValue(e))
			return true
		})
		return fmt.Sprintf("array [%s]%s", strings.Join(parts, ", "), failed(err))
	case telemetry.ValueMap:
		err := telemetry.Entries(v.Str(), func(a telemetry.Attr) bool {
			parts = append(parts, fmt.Sprintf("%q: %s", a.Key, DumpValue(a.Value)))
			return true
		})
		return fmt.Sprintf("map {%s}%s", strings.Join(parts, ", "), failed(err))
	}
	return v.Type().String()
}

func failed(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}
