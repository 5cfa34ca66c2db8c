package exec_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestCost: what queries cost is told to the context's cost and to those
// around it, and says the same as their statistics.
func TestCost(t *testing.T) {
	snap := scantest.Split(telemetrytest.Random(7, 300), rand.New(rand.NewPCG(7, 7)), 3, 2).Snapshot()
	outer, all := exec.Observe(t.Context())
	ctx, one := exec.Observe(outer)
	p := &plan.Search{Filter: plan.Constant(true), End: plan.All, Limit: 10}
	res, err := exec.Search(ctx, snap, p, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	got := one.Total()
	if got.Queries != 1 || !got.Complete || got.ScannedBlocks != res.Stats.ScannedBlocks || got.TotalBlocks != res.Stats.TotalBlocks || got.Elapsed != res.Stats.Elapsed {
		t.Errorf("%+v of %+v", got, res.Stats)
	}
	if got.Traces != uint64(len(res.Traces)) || got.Spans < got.Traces || got.Leaves != nil {
		t.Errorf("%d spans of %d traces, %d leaves", got.Spans, got.Traces, len(got.Leaves))
	}
	p.End = 1 // before all spans
	if _, err := exec.Search(outer, snap, p, exec.DefaultLimits); err != nil {
		t.Fatal(err)
	}
	if got := all.Total(); got.Queries != 2 || got.OutsideBlocks != res.Stats.TotalBlocks {
		t.Errorf("of both: %+v", got)
	}
	if got := one.Total(); got.Queries != 1 {
		t.Errorf("the inner one has %d queries", got.Queries)
	}
}

// TestCostSteps: the operators that a query goes through are timed.
func TestCostSteps(t *testing.T) {
	snap := scantest.Split(telemetrytest.Random(7, 300), rand.New(rand.NewPCG(7, 7)), 3, 2).Snapshot()
	for text, want := range map[string]string{
		"{ }":                              "filter blocks, place traces of blocks, look up traces, summarise traces",
		"{ } | count() > 1":                "filter blocks, place traces of blocks, look up traces, evaluate whole traces",
		"{ } | rate()":                     "filter blocks, add up rows, combine series",
		"{ } | count() > 1 | rate()":       "filter blocks, evaluate whole traces, add up rows, combine series",
		"{ } | compare({ kind = server })": "filter blocks, add up rows, combine series",
	} {
		q, err := traceql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cost := exec.Observe(t.Context())
		if q.Metrics != nil {
			_, err = exec.Metrics(ctx, snap, &exec.MetricsQuery{Expr: q.Metrics, End: math.MaxInt64}, exec.DefaultLimits)
		} else {
			p := &plan.Search{End: plan.All, Limit: 5}
			p.Filter, p.Spans = plan.Pipeline(q.Spans, false)
			_, err = exec.Search(ctx, snap, p, exec.DefaultLimits)
		}
		if err != nil {
			t.Fatal(err)
		}
		var done []string
		for i, s := range cost.Total().Steps {
			if s.Count > 0 && s.Time >= 0 {
				done = append(done, exec.StepNames[i])
			}
		}
		if got := strings.Join(done, ", "); got != want {
			t.Errorf("%s\ntakes %s\nwant  %s", text, got, want)
		}
	}
}
