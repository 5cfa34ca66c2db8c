package exec

import (
	"context"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Matching calls f with the ID of every trace that a pipeline has a result in,
// in no order, some more than once. It is for decisions that delete
// data: what cannot be read is an error, and there is no limit but ctx.
func Matching(ctx context.Context, snap scan.Snapshot, q *traceql.Pipeline, f func(telemetry.TraceID)) error {
	w := &spanWalk{}
	p := &plan.Search{End: plan.All}
	p.Filter, p.Spans = plan.Pipeline(q, false)
	w.search = search{run: start(ctx, snap, DefaultLimits), plan: p, spanFilter: plan.Relax(p.Filter)}
	w.perTrace = p.Spans != nil || plan.HasTraceLeaves(p.Filter)
	for _, source := range w.sources {
		for _, b := range source.Blocks() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := w.matching(b, f); err != nil {
				return err
			}
		}
	}
	return w.stats.Damage
}

func (w *spanWalk) matching(b scan.Block, f func(telemetry.TraceID)) error {
	sel := w.filter.get()
	defer w.filter.put(sel)
	sel.Reset(b.Len(), true)
	if err := w.filter.narrow(w.spanFilter, b, sel); err != nil {
		return err
	}
	if w.perTrace {
		if err := w.bindTraces(b, sel); err != nil {
			return err
		}
	}
	for row := sel.Next(0); row >= 0; {
		t, err := b.Trace(row)
		if err != nil {
			return err
		}
		f(t.ID)
		row = sel.Next(max(row+1, t.Hi))
	}
	return nil
}
