package exec_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestSpansAreThoseThatSearchCounts: for every trace that a search finds, as
// many spans as the search counted as matching come, and no others.
func TestSpansAreThoseThatSearchCounts(t *testing.T) {
	s := openStore(t)
	r := rand.New(rand.NewPCG(1, 3))
	b := telemetrytest.Random(7, 400)
	for lo := 0; lo < len(b.Spans); lo += 40 {
		if _, err := s.Append(t.Context(), part(b, lo, min(lo+40, len(b.Spans)))); err != nil {
			t.Fatal(err)
		}
		if r.IntN(3) == 0 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	snap := s.Snapshot()
	defer snap.Release()
	middle := b.Spans[len(b.Spans)/2].Start
	for _, text := range []string{
		"{}", "{ false }", "{ status = error }", "{ kind = server || name = \"SELECT\" }", "{ trace:duration > 10s && status = error }",
		"{ rootServiceName = \"cart\" }", "{ !(trace:duration > 10s) }",
	} {
		q, err := traceql.ParseFilter(text)
		if err != nil {
			t.Fatal(text, err)
		}
		for _, p := range []plan.Search{
			{Filter: plan.Filter(q), End: plan.All, Limit: 1000},
			{Filter: plan.Filter(q), Start: middle, End: plan.All, Limit: 1000},
			{Filter: plan.Filter(q), End: middle, Limit: 1000},
		} {
			found, err := exec.Search(t.Context(), snap, &p, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			want, got := map[telemetry.TraceID]int{}, map[telemetry.TraceID]int{}
			for _, x := range found.Traces {
				want[x.ID] = x.Matched
			}
			all := map[string]bool{}
			for i := range b.Spans {
				all[telemetrytest.DumpSpan(b, i)] = true
			}
			stats, err := exec.Spans(t.Context(), snap, &p, exec.DefaultLimits, func(b *telemetry.Batch) error {
				for i := range b.Spans {
					got[b.Spans[i].TraceID]++
					if !all[telemetrytest.DumpSpan(b, i)] {
						t.Errorf("%s: not a stored span: %s", text, telemetrytest.DumpSpan(b, i))
					}
				}
				return nil
			})
			if err != nil || !stats.Complete {
				t.Errorf("%s: %v, %+v", text, err, stats)
			}
			if len(got) != len(want) {
				t.Errorf("%s in [%d, %d): spans of %d traces, want %d", text, p.Start, p.End, len(got), len(want))
			}
			for id, n := range want {
				if got[id] != n {
					t.Errorf("%s in [%d, %d): %d spans of %s, want %d", text, p.Start, p.End, got[id], id, n)
				}
			}
		}
	}
}

// TestSpansShareResources: a batch has no resource twice, and none of another
// batch.
func TestSpansShareResources(t *testing.T) {
	s := openStore(t)
	for seed := range uint64(3) {
		if _, err := s.Append(t.Context(), telemetrytest.Random(seed, 3000)); err != nil {
			t.Fatal(err)
		}
	}
	snap := s.Snapshot()
	defer snap.Release()
	n := 0
	_, err := exec.Spans(t.Context(), snap, &plan.Search{Filter: plan.Constant(true), End: plan.All}, exec.DefaultLimits, func(b *telemetry.Batch) error {
		n += len(b.Spans)
		var seen []string
		for _, r := range b.Resources {
			var w strings.Builder
			for _, a := range b.AttrsOf(r.Attrs) {
				w.WriteString(a.Key + telemetrytest.DumpValue(a.Value))
			}
			seen = append(seen, w.String()+r.SchemaURL+string(rune('0'+r.DroppedAttrs)))
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != len(b.Resources) {
			t.Errorf("%d resources, some of them equal", len(b.Resources))
		}
		return nil
	})
	if err != nil || n != 9000 {
		t.Errorf("%d spans, %v", n, err)
	}
}
