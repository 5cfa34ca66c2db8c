package exec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// inProgress is a trace as X-Ray sends it: "root" while it runs, twice, and when
// it has ended; "child" only while it runs; and the two sides of a call, which
// share an ID.
func inProgress() *telemetry.Batch {
	const start = 1_790_000_000_000_000_000
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	b.Attrs = []telemetry.Attr{{Key: "running", Value: telemetry.BoolValue(true)}, {Key: "step", Value: telemetry.IntValue(2)}, {Key: "done", Value: telemetry.BoolValue(true)}}
	add := func(id, parent byte, name string, kind telemetry.Kind, took uint64, lo, hi uint32) {
		s := telemetry.Span{TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{id}, Name: name, Kind: kind, Start: start + uint64(id), Attrs: telemetry.Range{Start: lo, End: hi}}
		if parent != 0 {
			s.ParentID = telemetry.SpanID{parent}
		}
		if took > 0 {
			s.End = s.Start + took
		}
		b.Spans = append(b.Spans, s)
	}
	add(1, 0, "root", telemetry.KindServer, 0, 0, 1)
	add(1, 0, "root", telemetry.KindServer, 0, 0, 2)
	add(2, 1, "child", telemetry.KindInternal, 0, 0, 1)
	add(2, 1, "child", telemetry.KindInternal, 0, 0, 2)
	add(2, 1, "child", telemetry.KindInternal, 0, 0, 2) // sent again
	add(1, 0, "root", telemetry.KindServer, 1000, 2, 3)
	add(3, 2, "call", telemetry.KindClient, 100, 0, 0)
	add(3, 2, "call", telemetry.KindServer, 90, 0, 0)
	return b
}

// TestSpansInProgress: of a span that was sent while it ran and again, readers of
// whole traces and searches see one, wherever each of them lies.
func TestSpansInProgress(t *testing.T) {
	b := inProgress()
	const want = "root 1000 1; child 0 2; call 100 0; call 90 0"
	for layout := range 1 << (len(b.Spans) - 1) { // after which spans there is a flush
		if layout%7 != 0 && layout != 1<<(len(b.Spans)-1)-1 {
			continue
		}
		s, flushed := openStore(t), 0
		for i := range b.Spans {
			if _, err := s.Append(t.Context(), part(b, i, i+1)); err != nil {
				t.Fatal(err)
			}
			if layout>>i&1 == 1 && flushed < 5 {
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				flushed++
			}
		}
		snap := s.Snapshot()
		whole, err := exec.FindTrace(t.Context(), snap, telemetry.TraceID{1}, exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if got := told(&whole.Batch); got != want {
			t.Errorf("layout %b: the trace is %s", layout, got)
		}
		if one, err := exec.FindSpans(t.Context(), snap, telemetry.TraceID{1}, telemetry.SpanID{1}, exec.DefaultLimits); err != nil || told(&one.Batch) != "root 1000 1" {
			t.Errorf("layout %b: the span is %s, %v", layout, told(&one.Batch), err)
		}
		outline, err := exec.ReadOutline(t.Context(), snap, telemetry.TraceID{1}, exec.DefaultLimits)
		if err != nil || len(outline.Spans) != 4 || outline.Spans[0].Duration != 1000 {
			t.Errorf("layout %b: outline %+v, %v", layout, outline.Spans, err)
		}
		parts := 0
		if _, err := exec.TraceParts(t.Context(), snap, telemetry.TraceID{1}, exec.DefaultLimits, 2, func(p *exec.Trace) error {
			parts += len(p.Batch.Spans)
			return nil
		}); err != nil || parts != 4 {
			t.Errorf("layout %b: %d spans in parts, %v", layout, parts, err)
		}
		for text, matched := range map[string]int{
			`{ }`: 4, `{ name = "root" }`: 1, `{ span.running = true }`: 1, `{ span.running = true && name = "root" }`: 0, `{ span.done = true }`: 1,
			`{ span.running = true } >> { kind = client }`: 1, `{ name = "root" && span.step = 2 } && { kind = client }`: 0,
		} {
			found := 0
			query, err := traceql.ParseSearch(text)
			if err != nil {
				t.Fatal(err)
			}
			p := plan.Search{End: plan.All, Limit: 20}
			p.Filter, p.Spans = plan.Pipeline(query.Spans, false)
			result, err := exec.Search(t.Context(), snap, &p, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			for _, sum := range result.Traces {
				found += sum.Matched
				if sum.Spans != 4 || sum.Duration != 1000 {
					t.Errorf("layout %b, %s: %+v", layout, text, sum)
				}
			}
			if found != matched || (matched == 0) != (len(result.Traces) == 0) {
				t.Errorf("layout %b, %s: %d spans of %d traces", layout, text, found, len(result.Traces))
			}
		}
		snap.Release()
	}
}

// told is the name, duration and number of attributes of each span.
func told(b *telemetry.Batch) string {
	var all []string
	for i := range b.Spans {
		all = append(all, fmt.Sprint(b.Spans[i].Name, " ", b.Spans[i].Duration(), " ", b.Spans[i].Attrs.Len()))
	}
	return strings.Join(all, "; ")
}
