package analysis_test

import (
	"log/slog"
	"testing"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// openStore is a real store over memory.
func openStore(t testing.TB) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(1 << 32), Dir: "data", Logger: slog.New(slog.DiscardHandler), MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shopStore is a store with 200,000 spans of a web shop, a fifth of them in
// the head.
func shopStore(b *testing.B) *storage.Store {
	s, g := openStore(b), corpus.New(corpus.Options{Seed: 1})
	var batch telemetry.Batch
	for i := range 25 {
		g.Batch(&batch, 8000)
		if _, err := s.Append(b.Context(), &batch); err != nil {
			b.Fatal(err)
		}
		if i == 19 {
			if err := s.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	return s
}

func BenchmarkAnalyses(b *testing.B) {
	snap := shopStore(b).Snapshot()
	defer snap.Release()
	all := &plan.Search{Filter: plan.Constant(true), End: plan.All}
	condition, err := traceql.ParseFilter("{ status = error }")
	if err != nil {
		b.Fatal(err)
	}
	failed := &plan.Search{Filter: plan.Filter(condition), End: plan.All}
	for _, x := range []struct {
		name string
		run  func() (exec.Stats, error)
	}{
		{"service graph", func() (exec.Stats, error) {
			g, err := analysis.ServiceGraph(b.Context(), snap, all, exec.DefaultLimits)
			return g.Stats, err
		}},
		{"service paths", func() (exec.Stats, error) {
			p, err := analysis.Paths(b.Context(), snap, all, exec.DefaultLimits)
			return p.Stats, err
		}},
		{"critical paths", func() (exec.Stats, error) {
			p, err := analysis.CriticalPaths(b.Context(), snap, all, exec.DefaultLimits)
			return p.Stats, err
		}},
		{"flame graph", func() (exec.Stats, error) {
			f, err := analysis.Flame(b.Context(), snap, all, exec.DefaultLimits)
			return f.Stats, err
		}},
		{"heat map", func() (exec.Stats, error) {
			h, err := analysis.LatencyHeatMap(b.Context(), snap, all, 200, exec.DefaultLimits)
			return h.Stats, err
		}},
		{"top values", func() (exec.Stats, error) {
			v, err := analysis.TopValues(b.Context(), snap, all, scan.Field{Scope: scan.ScopeSpan, Key: "http.route"}, 20, exec.DefaultLimits)
			return v.Stats, err
		}},
		{"comparison", func() (exec.Stats, error) {
			c, err := analysis.Compare(b.Context(), snap, failed, nil, 50, exec.DefaultLimits)
			return c.Stats, err
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			var stats exec.Stats
			for b.Loop() {
				var err error
				if stats, err = x.run(); err != nil || !stats.Complete {
					b.Fatal(err, stats)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(stats.TotalSpans), "ns/span")
		})
	}
}
