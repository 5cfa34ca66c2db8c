package corpus_test

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestShape(t *testing.T) {
	g := corpus.New(corpus.Options{Seed: 1})
	var b telemetry.Batch
	g.Batch(&b, 50_000)
	if len(b.Spans) < 50_000 || len(b.Spans) > 50_100 || len(b.Spans) != g.Spans() {
		t.Fatalf("%d spans in the batch, %d made", len(b.Spans), g.Spans())
	}
	services, traces := map[string]int{}, map[telemetry.TraceID]int{}
	failed, attrs := 0, 0
	for i := range b.Spans {
		s := &b.Spans[i]
		services[b.ServiceName(s.Resource)]++
		traces[s.TraceID]++
		attrs += s.Attrs.Len()
		if s.Duration() == 0 {
			t.Fatalf("span without a duration:\n%s", telemetrytest.DumpSpan(&b, i))
		}
		if s.Status == telemetry.StatusError {
			failed++
			checkException(t, &b, s)
		}
	}
	between(t, "services", float64(len(services)), 12, 12)
	between(t, "pods", float64(len(b.Resources)), 73, 73)
	between(t, "resource attributes", float64(b.Resources[0].Attrs.Len()), 15, 15)
	between(t, "span attributes", float64(attrs)/float64(len(b.Spans)), 9, 13)
	between(t, "share of errors", float64(failed)/float64(len(b.Spans)), 0.025, 0.035)
	smallest, largest := 1000, 0
	for _, n := range traces {
		smallest, largest = min(smallest, n), max(largest, n)
	}
	between(t, "smallest trace", float64(smallest), 5, 8)
	between(t, "largest trace", float64(largest), 55, 60)
	if len(g.IDs()) != len(traces) {
		t.Errorf("%d ids of %d traces", len(g.IDs()), len(traces))
	}
	e := g.Entropy()
	between(t, "entropy in bytes", e.Total(), 15, 35)
	// A span ID is 8 random bytes, and a trace ID's 16 are shared.
	between(t, "entropy of ids", e.IDs, 8.5, 9.5)
	between(t, "entropy of times", e.Times, 3, 8)
	between(t, "entropy of content", e.Content, 2, 15)
}

func checkException(t *testing.T, b *telemetry.Batch, s *telemetry.Span) {
	t.Helper()
	events := b.EventsOf(s)
	if len(events) == 0 {
		t.Fatal("failed span without an exception")
	}
	e := events[0]
	v, ok := b.Lookup(e.Attrs, "exception.stacktrace")
	if n := len(v.Str()); !ok || n < 500 || n > 1500 {
		t.Fatalf("stack trace of %d bytes", n)
	}
	if e.Time < s.Start || e.Time > s.End {
		t.Fatalf("exception at %d outside of [%d, %d]", e.Time, s.Start, s.End)
	}
}

func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	t.Logf("%s: %.4g", what, got)
	if got < low || got > high {
		t.Errorf("%s: %g, want %g to %g", what, got, low, high)
	}
}

// TestTreesAreWhole checks that the parent of every span is in the batch and
// encloses the start of its child.
func TestTreesAreWhole(t *testing.T) {
	g := corpus.New(corpus.Options{Seed: 2})
	var b telemetry.Batch
	for range 2 {
		g.Batch(&b, 3000)
		spans := map[telemetry.SpanID]*telemetry.Span{}
		for i := range b.Spans {
			spans[b.Spans[i].SpanID] = &b.Spans[i]
		}
		for i := range b.Spans {
			s := &b.Spans[i]
			if s.ParentID.IsZero() {
				continue
			}
			p := spans[s.ParentID]
			if p == nil || p.TraceID != s.TraceID || s.Start < p.Start || s.End > p.End {
				t.Fatalf("span %d does not fit in its parent %v:\n%s", i, p, telemetrytest.DumpSpan(&b, i))
			}
		}
	}
}

// TestOTLPIsTheBatch checks with the reference decoder that requests carry
// what a batch does.
func TestOTLPIsTheBatch(t *testing.T) {
	var b telemetry.Batch
	whole := corpus.New(corpus.Options{Seed: 3})
	whole.Batch(&b, 30_000)
	want := map[telemetry.SpanID]string{}
	for i := range b.Spans {
		want[b.Spans[i].SpanID] = text(&b, &b.Spans[i])
	}
	g := corpus.New(corpus.Options{Seed: 3})
	size, spans, requests := 0, 0, 0
	for {
		var req []byte
		if g.Spans() < len(b.Spans) {
			req = g.OTLP(nil, 300)
		} else if req = g.Flush(nil); len(req) == 0 {
			break
		}
		er := ptraceotlp.NewExportRequest()
		if err := er.UnmarshalProto(req); err != nil {
			t.Fatalf("decode request: %v", err)
		}
		size, requests = size+len(req), requests+1
		eachSpan(er, func(res pcommon.Resource, scope pcommon.InstrumentationScope, s ptrace.Span) {
			spans++
			// A request may need a few traces more than the batch has.
			id := telemetry.SpanID(s.SpanID())
			if got, w := pdataText(res, scope, s), want[id]; w != "" && got != w {
				t.Fatalf("span %d is\n%s\nin the request and\n%s\nin the batch", spans, got, w)
			}
			delete(want, id)
		})
	}
	if len(want) != 0 || spans != g.Spans() {
		t.Errorf("%d spans in requests, %d made, %d of the batch missing", spans, g.Spans(), len(want))
	}
	between(t, "bytes a span", float64(size)/float64(spans), 430, 530)
	between(t, "spans a request", float64(spans)/float64(requests), 150, 320)
}

func eachSpan(er ptraceotlp.ExportRequest, f func(pcommon.Resource, pcommon.InstrumentationScope, ptrace.Span)) {
	for _, rs := range er.Traces().ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				f(rs.Resource(), ss.Scope(), s)
			}
		}
	}
}

// text and pdataText write a span the same way from both representations.
func text(b *telemetry.Batch, s *telemetry.Span) string {
	attrs := func(r telemetry.Range) (list []string) {
		for _, a := range b.AttrsOf(r) {
			v := a.Value.Str()
			switch a.Value.Type() {
			case telemetry.ValueInt:
				v = strconv.FormatInt(a.Value.Int(), 10)
			case telemetry.ValueDouble:
				v = strconv.FormatFloat(a.Value.Double(), 'g', -1, 64)
			}
			list = append(list, a.Key+"="+v)
		}
		return list
	}
	var events []string
	for _, e := range b.EventsOf(s) {
		events = append(events, fmt.Sprint(e.Time, e.Name, attrs(e.Attrs)))
	}
	sc := b.Scopes[s.Scope]
	return fmt.Sprint(s.TraceID, s.SpanID, s.ParentID, s.Name, int(s.Kind), s.Start, s.End, int(s.Status), s.StatusMessage, s.Flags,
		attrs(s.Attrs), events, sc.Name, sc.Version, attrs(b.Resources[s.Resource].Attrs))
}

func pdataText(res pcommon.Resource, scope pcommon.InstrumentationScope, s ptrace.Span) string {
	attrs := func(m pcommon.Map) (list []string) {
		for k, v := range m.All() {
			str := v.AsString()
			if v.Type() == pcommon.ValueTypeDouble {
				str = strconv.FormatFloat(v.Double(), 'g', -1, 64)
			}
			list = append(list, k+"="+str)
		}
		return list
	}
	var events []string
	for _, e := range s.Events().All() {
		events = append(events, fmt.Sprint(uint64(e.Timestamp()), e.Name(), attrs(e.Attributes())))
	}
	return fmt.Sprint(telemetry.TraceID(s.TraceID()), telemetry.SpanID(s.SpanID()), telemetry.SpanID(s.ParentSpanID()), s.Name(), int(s.Kind()),
		uint64(s.StartTimestamp()), uint64(s.EndTimestamp()), int(s.Status().Code()), s.Status().Message(), s.Flags(),
		attrs(s.Attributes()), events, scope.Name(), scope.Version(), attrs(res.Attributes()))
}

func TestSameSeedSameSpans(t *testing.T) {
	a, b, c := corpus.New(corpus.Options{Seed: 7}), corpus.New(corpus.Options{Seed: 7}), corpus.New(corpus.Options{Seed: 8})
	x, y, z := a.OTLP(nil, 50), b.OTLP(nil, 50), c.OTLP(nil, 50)
	if !bytes.Equal(x, y) {
		t.Error("equal seeds gave different spans")
	}
	if bytes.Equal(x, z) {
		t.Error("different seeds gave equal spans")
	}
}

func BenchmarkOTLP(b *testing.B) {
	g := corpus.New(corpus.Options{})
	var buf []byte
	for b.Loop() {
		buf = g.OTLP(buf[:0], 300)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(g.Spans()), "ns/span")
}

func BenchmarkBatch(b *testing.B) {
	g := corpus.New(corpus.Options{})
	var batch telemetry.Batch
	for b.Loop() {
		g.Batch(&batch, 10_000)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(g.Spans()), "ns/span")
}

func ExampleGenerator() {
	g := corpus.New(corpus.Options{Seed: 1, TracesPerSecond: 50})
	var b telemetry.Batch
	g.Batch(&b, 100)
	fmt.Println(len(b.Spans) >= 100, len(g.IDs()) > 2)
	// Output: true true
}
