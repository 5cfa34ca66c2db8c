package exec

import (
	"context"
	"math"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// spansBatch is about how many spans are handed over at a time.
const spansBatch = 2048

// Spans calls f with all spans that satisfy the filter of p and started in its
// range of time, a few thousand at a time. They come in the order in which
// they are stored; one that a client sent twice comes as often as it is
// stored. Limit and After of p are not used, nor is the limit on time. The
// batch is valid until f returns; equal resources and scopes in it are one. An
// error of f ends the call. What cannot be read is left out, and Stats says so.
func Spans(ctx context.Context, snap scan.Snapshot, p *plan.Search, limits Limits, f func(*telemetry.Batch) error) (Stats, error) {
	w := &spanWalk{f: f}
	limits.Time = math.MaxInt64
	w.search = search{run: start(ctx, snap, limits), plan: p, spanFilter: plan.Relax(p.Filter)}
	defer w.release()
	w.filter.stop = w.stop
	w.perTrace = p.Spans != nil || plan.HasTraceLeaves(p.Filter)
	for i := len(w.sources) - 1; i >= 0; i-- { // the oldest first
		for _, b := range w.sources[i].Blocks() {
			if err := ctx.Err(); err != nil {
				return w.finish(), context.Cause(ctx)
			}
			lo, hi := b.Bounds()
			if b.Len() == 0 || hi < p.Start || lo >= p.End && p.End != plan.All {
				continue
			}
			if err := w.block(b); err != nil {
				return w.finish(), err
			}
		}
	}
	if ctx.Err() != nil { // what was read of the last block may not be all
		return w.finish(), context.Cause(ctx)
	}
	err := w.hand()
	return w.finish(), err
}

type spanWalk struct {
	search
	f     func(*telemetry.Batch) error
	batch telemetry.Batch
}

// block hands over the matching spans of one block.
func (w *spanWalk) block(b scan.Block) error {
	w.scanned(b)
	sel := w.filter.get()
	defer w.filter.put(sel)
	if err := w.selected(b, sel); err != nil {
		w.damaged("filter block", err)
		return nil
	}
	for lo := sel.Next(0); lo >= 0; {
		hi := lo + 1
		for hi < sel.Len() && hi-lo < spansBatch && sel.Get(hi) {
			hi++
		}
		n := len(w.batch.Spans)
		if err := b.Spans(lo, hi, &w.batch); err != nil {
			w.batch.Spans = w.batch.Spans[:n]
			w.damaged("read spans", err)
		}
		if len(w.batch.Spans) >= spansBatch {
			if err := w.hand(); err != nil {
				return err
			}
		}
		lo = sel.Next(hi)
	}
	// The batch's strings are the block's: they do not outlive it in a cache.
	return w.hand()
}

// tracesOf is the rows of sel by trace.
func tracesOf(b scan.Block, sel *scan.Bitmap) (map[telemetry.TraceID][]int, error) {
	traces := map[telemetry.TraceID][]int{}
	for row := sel.Next(0); row >= 0; {
		t, err := b.Trace(row)
		if err != nil {
			return nil, err
		}
		rows := append(traces[t.ID], row)
		for row = sel.Next(row + 1); row >= 0 && row < t.Hi; row = sel.Next(row + 1) {
			rows = append(rows, row)
		}
		traces[t.ID] = rows
	}
	return traces, nil
}

// bindTraces clears the rows of traces that the filter, which asks about whole
// traces, does not hold for.
func (w *spanWalk) bindTraces(b scan.Block, sel *scan.Bitmap) error {
	traces, err := tracesOf(b, sel)
	if err != nil {
		return err
	}
	if len(traces) >= cachedTraces {
		if err := w.cache.begin(b); err != nil {
			return err
		}
		defer w.cache.end()
	}
	kept := w.filter.get()
	defer w.filter.put(kept)
	for id, rows := range traces {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		w.result = nil
		t, err := b.Trace(rows[0])
		if err != nil {
			return err
		}
		sum := w.summarise(id, piece{b, t.Lo, t.Hi}, nil)
		kept.Reset(sel.Len(), false)
		for _, row := range rows {
			kept.Set(row)
			sel.Clear(row)
		}
		if w.plan.Spans != nil || plan.HasPlaceLeaves(w.plan.Filter) {
			w.keepResult(b, kept)
			sel.Or(kept)
			continue
		}
		if err := w.filter.narrow(sum.bind(w.plan.Filter), b, kept); err != nil {
			return err
		}
		sel.Or(kept)
	}
	return nil
}

// keepResult sets the rows of a block that are of the trace's result.
func (w *spanWalk) keepResult(b scan.Block, kept *scan.Bitmap) {
	kept.ClearAll()
	first := 0
	for _, p := range w.pieces {
		for i := p.lo; w.result != nil && p.block == b && i < p.hi; i++ {
			if w.result.Get(first + i - p.lo) {
				kept.Set(i)
			}
		}
		first += p.hi - p.lo
	}
}

// hand passes on what has been collected.
func (w *spanWalk) hand() error {
	if len(w.batch.Spans) == 0 {
		return nil
	}
	w.matchedSpans += uint64(len(w.batch.Spans))
	share(&w.batch)
	err := w.f(&w.batch)
	w.batch.Reset()
	return err
}
