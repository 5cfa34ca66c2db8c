package exec_test

import (
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
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
	for i, s := range got.Steps {
		if s.Count == 0 {
			t.Errorf("%s: not done", exec.StepNames[i])
		}
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
