package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// analyses is what all of them answer, by name, without statistics. limits are
// those of queries.
func analyses(t *testing.T, store scan.Store, limits exec.Limits) (texts map[string]string, stats map[string]exec.Stats) {
	t.Helper()
	snap := store.Snapshot()
	defer snap.Release()
	all := &plan.Search{Filter: plan.Constant(true), End: plan.All}
	condition, err := traceql.ParseFilter("{ status = error }")
	if err != nil {
		t.Fatal(err)
	}
	failed := &plan.Search{Filter: plan.Filter(condition), End: plan.All}
	texts, stats = map[string]string{}, map[string]exec.Stats{}
	note := func(name string, answer any, s *exec.Stats, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		stats[name], *s = *s, exec.Stats{}
		texts[name] = fmt.Sprintf("%.9v", answer)
	}
	g, err := analysis.ServiceGraph(t.Context(), snap, all, limits)
	note("service graph", g, &g.Stats, err)
	p, err := analysis.Paths(t.Context(), snap, all, limits)
	note("service paths", p, &p.Stats, err)
	c, err := analysis.CriticalPaths(t.Context(), snap, all, limits)
	note("critical paths", c, &c.Stats, err)
	f, err := analysis.Flame(t.Context(), snap, all, limits)
	note("flame graph", f, &f.Stats, err)
	h, err := analysis.LatencyHeatMap(t.Context(), snap, all, 10, limits)
	note("heat map", h, &h.Stats, err)
	v, err := analysis.TopValues(t.Context(), snap, all, scan.Field{Scope: scan.ScopeSpan, Key: "http.route"}, 100, limits)
	note("top values", v, &v.Stats, err)
	d, err := analysis.Compare(t.Context(), snap, failed, nil, 100, limits)
	note("comparison", d, &d.Stats, err)
	return texts, stats
}

// TestRealStoreAgreesWithModel: with traces in pieces over segments and the
// head.
func TestRealStoreAgreesWithModel(t *testing.T) {
	var b telemetry.Batch
	corpus.New(corpus.Options{Seed: 2}).Batch(&b, 4000)
	s := openStore(t)
	for lo := 0; lo < len(b.Spans); lo += 500 {
		part := b
		part.Spans = append([]telemetry.Span(nil), b.Spans[lo:min(lo+500, len(b.Spans))]...)
		if _, err := s.Append(t.Context(), &part); err != nil {
			t.Fatal(err)
		}
		if lo/500%3 == 1 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, _ := analyses(t, scantest.New(&b), exec.DefaultLimits)
	got, stats := analyses(t, s, exec.DefaultLimits)
	for name := range want {
		if got[name] != want[name] || !stats[name].Complete {
			t.Errorf("%s, %v: got\n%.3000s\nwant\n%.3000s", name, stats[name], got[name], want[name])
		}
	}
}

// TestLimits: an answer that there is no room for says so.
func TestLimits(t *testing.T) {
	var b telemetry.Batch
	corpus.New(corpus.Options{Seed: 2}).Batch(&b, 2000)
	limits := exec.DefaultLimits
	limits.Groups = 3
	_, stats := analyses(t, scantest.Sorted(&b, 3), limits)
	for name, want := range map[string]string{
		"service graph": "more than 3 nodes or edges", "service paths": "more than 3 chains of services", "critical paths": "more than 3 operations",
		"flame graph": "more than 3 paths of operations", "top values": "more than 3 values",
	} {
		if s := stats[name]; s.Complete || !strings.Contains(s.Reason, want) {
			t.Errorf("%s: got %v", name, s)
		}
	}
}
