package querytest

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Epoch is when random traces begin, Unix nanoseconds; none begins later than
// a second after it.
const Epoch = 1_790_000_000_000_000_000

// RandomTraces makes traces of about so many spans in all, small and much
// alike so that queries find some: with parents missing, naming themselves and
// in circles, calls whose sides share an ID, and spans that came twice, in any
// order.
func RandomTraces(r *rand.Rand, spans int) *telemetry.Batch {
	g := &traceMaker{r: r}
	for range 3 {
		start := len(g.b.Attrs)
		if r.IntN(6) > 0 {
			g.attr("service.name", telemetry.StringValue(g.pick("cart", "web", "db")))
		}
		g.attrs(2)
		g.b.Resources = append(g.b.Resources, telemetry.Resource{Attrs: g.since(start)})
		start = len(g.b.Attrs)
		g.attrs(1)
		g.b.Scopes = append(g.b.Scopes, telemetry.Scope{Name: g.pick("", "net/http"), Version: g.pick("", "1.2"), Attrs: g.since(start)})
	}
	for len(g.b.Spans) < spans {
		g.trace()
	}
	for range spans / 10 {
		g.b.Spans = append(g.b.Spans, g.b.Spans[r.IntN(len(g.b.Spans))])
	}
	r.Shuffle(len(g.b.Spans), func(i, j int) { g.b.Spans[i], g.b.Spans[j] = g.b.Spans[j], g.b.Spans[i] })
	return &g.b
}

// RandomTraffic makes traces of about so many spans in all, which are a few of
// [RandomTraces] over and over, in which only times and the trace's ID differ.
func RandomTraffic(r *rand.Rand, spans int) *telemetry.Batch {
	b := RandomTraces(r, 10+r.IntN(30))
	once := b.Spans
	for n := uint64(1); len(b.Spans) < spans; n++ {
		later, longer := uint64(r.IntN(100))*1_000_000, uint64(1+r.IntN(4))
		for _, s := range once {
			s.TraceID[1], s.TraceID[2] = byte(n), byte(n>>8)
			first := uint32(len(b.Events))
			for _, e := range b.EventsOf(&s) {
				e.Time += later
				b.Events = append(b.Events, e)
			}
			s.Events = telemetry.Range{Start: first, End: uint32(len(b.Events))}
			s.Start, s.End = s.Start+later, s.Start+later+longer*s.Duration()
			b.Spans = append(b.Spans, s)
		}
	}
	return b
}

// Distinct is b without the copies of spans.
func Distinct(b *telemetry.Batch) *telemetry.Batch {
	out := *b
	out.Spans = nil
	for _, t := range New(b).traces {
		for _, s := range t.spans {
			out.Spans = append(out.Spans, *s)
		}
	}
	return &out
}

type traceMaker struct {
	r *rand.Rand
	b telemetry.Batch
}

func (g *traceMaker) pick(s ...string) string { return s[g.r.IntN(len(s))] }

// state is a tracestate, of a sampler or not; some are not as specified.
func (g *traceMaker) state() string {
	switch g.r.IntN(6) {
	case 0:
		return g.pick("vendor=1", "ot=th:", "ot=th:xyz", "ot=rv:0123456789abcd", "ot=th:000000000000001", "other=th:8")
	case 1, 2:
		return g.pick("ot=th:c", "ot=th:c", "ot=th:8", "ot=th:0", "ot=th:5", "ot=rv:01;th:fd", "a=b, ot=th:e66666666666;p:1", "ot=th:fffff")
	}
	return ""
}

func (g *traceMaker) attr(key string, v telemetry.Value) {
	g.b.Attrs = append(g.b.Attrs, telemetry.Attr{Key: key, Value: v})
}

func (g *traceMaker) since(start int) telemetry.Range {
	return telemetry.Range{Start: uint32(start), End: uint32(len(g.b.Attrs))}
}

// attrs adds up to n attributes of different names.
func (g *traceMaker) attrs(n int) telemetry.Range {
	start := len(g.b.Attrs)
	keys := []string{"a", "b", "c", "d e"}
	g.r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for _, key := range keys[:g.r.IntN(n+1)] {
		g.attr(key, g.value(true))
	}
	return g.since(start)
}

func (g *traceMaker) value(array bool) telemetry.Value {
	switch n := g.r.IntN(16); {
	case n < 5:
		return telemetry.IntValue([]int64{0, 1, 2, 3, 500, -1, 1_000_000, math.MaxInt64, math.MinInt64}[g.r.IntN(9)])
	case n < 7:
		return telemetry.DoubleValue([]float64{0, 1, 0.5, -2.5, 1e300, math.Inf(1), math.NaN()}[g.r.IntN(7)])
	case n < 11:
		return telemetry.StringValue(g.pick("", "x", "y", "GET", "日本", "x\ny"))
	case n < 13:
		return telemetry.BoolValue(g.r.IntN(2) == 0)
	case n < 14:
		return telemetry.BytesValue(g.pick("", "x", "\xff"))
	case array:
		var enc []byte
		for range g.r.IntN(4) {
			enc = telemetry.AppendElement(enc, g.value(g.r.IntN(4) == 0))
		}
		return telemetry.ArrayValue(string(enc))
	}
	return telemetry.IntValue(1)
}

// trace adds a trace of up to a dozen spans. Its IDs are from 1 to 9, so that
// spans meet.
func (g *traceMaker) trace() {
	var id telemetry.TraceID
	id[0], id[15] = byte(len(g.b.Spans)>>8), byte(len(g.b.Spans))
	start := uint64(Epoch) + uint64(g.r.IntN(900))*1_000_000
	var made []telemetry.Span
	for range 1 + g.r.IntN(12) {
		s := g.span(start)
		s.TraceID = id
		if len(made) > 0 && g.r.IntN(8) > 0 { // mostly a tree
			s.ParentID = made[g.r.IntN(len(made))].SpanID
		}
		// The reference orders spans by all this.
		if !slices.ContainsFunc(made, func(x telemetry.Span) bool { return compare(&g.b, &x, &s) == 0 }) {
			made = append(made, s)
		}
	}
	g.b.Spans = append(g.b.Spans, made...)
}

func (g *traceMaker) span(start uint64) telemetry.Span {
	s := telemetry.Span{
		Start: start + uint64(g.r.IntN(6))*1_000_000, Name: g.pick("GET", "SELECT", "charge", ""),
		TraceState: g.state(), StatusMessage: g.pick("", "", "declined"),
		Kind: telemetry.Kind(g.r.IntN(6)), Status: telemetry.Status(g.r.IntN(3)),
		Resource: uint32(g.r.IntN(len(g.b.Resources))), Scope: uint32(g.r.IntN(len(g.b.Scopes))),
	}
	if g.r.IntN(3) == 0 {
		s.Kind = telemetry.KindServer + telemetry.Kind(g.r.IntN(2))
	}
	s.End = s.Start + uint64(g.r.IntN(5))*1_000_000
	if g.r.IntN(20) == 0 {
		s.End = s.Start - 7
	}
	s.SpanID[7] = byte(1 + g.r.IntN(9))
	if g.r.IntN(4) == 0 {
		s.ParentID[7] = byte(g.r.IntN(12))
	}
	s.Attrs = g.attrs(3)
	first := uint32(len(g.b.Events))
	for range g.r.IntN(8) / 3 {
		g.b.Events = append(g.b.Events, telemetry.Event{
			Name: g.pick("exception", "log", ""), Attrs: g.attrs(2), Time: s.Start + uint64(g.r.IntN(5))*1_000_000 - 1_000_000,
		})
	}
	s.Events = telemetry.Range{Start: first, End: uint32(len(g.b.Events))}
	first = uint32(len(g.b.Links))
	for range g.r.IntN(6) / 3 {
		l := telemetry.Link{Attrs: g.attrs(2)}
		l.TraceID[15], l.SpanID[7] = byte(g.r.IntN(60)), byte(g.r.IntN(9))
		g.b.Links = append(g.b.Links, l)
	}
	s.Links = telemetry.Range{Start: first, End: uint32(len(g.b.Links))}
	return s
}
