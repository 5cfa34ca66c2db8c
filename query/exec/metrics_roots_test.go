package exec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestMetricsOfRoots: a root question is answered as one that is not known for
// such is, of traces that are trees, that lack spans, that have copies, other
// spans of the same ID, circles or several roots, and that are in two segments.
func TestMetricsOfRoots(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	store := openStore(t)
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for trace := range 1200 {
		n := 1 + r.IntN(8)
		for i := range n {
			s := telemetry.Span{TraceID: telemetry.TraceID{byte(trace), byte(trace >> 8), 1}, SpanID: telemetry.SpanID{byte(i + 1)}, Name: "a"}
			s.Start = epoch + uint64(r.IntN(1000))
			s.End = s.Start + uint64(r.IntN(100))
			if i > 0 {
				s.ParentID = telemetry.SpanID{byte(1 + r.IntN(i))}
			}
			if trace%3 == 0 {
				switch r.IntN(8) {
				case 0:
					s.ParentID = telemetry.SpanID{99}
				case 1:
					s.ParentID = telemetry.SpanID{}
				case 2:
					s.ParentID = telemetry.SpanID{byte(1 + r.IntN(n))}
				case 3:
					s.SpanID = telemetry.SpanID{byte(1 + r.IntN(n))}
					s.Kind = telemetry.Kind(1 + r.IntN(4))
				case 4:
					b.Spans = append(b.Spans, s)
				}
			}
			b.Spans = append(b.Spans, s)
		}
	}
	half := len(b.Spans) / 2
	for _, p := range []*telemetry.Batch{part(b, 0, half), part(b, half, len(b.Spans)), part(b, half-20, half+5)} {
		if _, err := store.Append(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	count := func(text string) string {
		q, err := traceql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		res, err := exec.Metrics(t.Context(), store.Snapshot(), &exec.MetricsQuery{Expr: q.Metrics, Start: epoch, End: epoch + 900, Step: 100}, exec.DefaultLimits)
		if err != nil || !res.Stats.Complete {
			t.Fatal(err, res)
		}
		return fmt.Sprint(res.Series)
	}
	for _, condition := range []string{"nestedSetParent < 0", "nestedSetParent = -1", "nestedSetParent != -1", "nestedSetParent > 0", "nestedSetParent >= -1"} {
		for _, and := range []string{"", " && duration > 30ns"} {
			// Twice the same is not looked through.
			got := count("{ " + condition + and + " } | rate()")
			want := count("{ (" + condition + " || " + condition + ")" + and + " } | rate()")
			if got != want {
				t.Errorf("%s%s: got\n%s\nwant\n%s", condition, and, got, want)
			}
		}
	}
}
