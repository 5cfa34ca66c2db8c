package exec

import (
	"context"
	"errors"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Selection is which rows of a block the queries select.
type Selection struct {
	scan.Block
	Rows []*scan.Bitmap // one for each query, valid for the call that they are handed to
	stop <-chan struct{}
}

// Runs calls f with each run of rows [lo, hi) of which a query selects some:
// few enough for their columns to stay in the processor's cache.
func (s *Selection) Runs(f func(lo, hi int) error) error {
	for lo := 0; lo < s.Len(); lo += runRows {
		hi := min(lo+runRows, s.Len())
		select {
		case <-s.stop:
			return scan.ErrStopped
		default:
		}
		for _, rows := range s.Rows {
			if next := rows.Next(lo); next >= 0 && next < hi {
				if err := f(lo, hi); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// Selections hands over every block with rows that one of the queries selects,
// in no order: those of a query's spans that started within its range of time.
// A span that a client sent twice is as many rows as it is stored, but one
// where a query needs whole traces. Several goroutines do so, as in [Traces].
// An error of add is damage: the block is left out.
func Selections[S any](ctx context.Context, snap scan.Snapshot, queries []*plan.Search, limits Limits, begin func() S, add func(S, *Selection) error) ([]S, Stats, error) {
	var sums []S
	stats, err := selections(ctx, snap, queries, limits, func() func(*Selection) error {
		sum := begin()
		sums = append(sums, sum)
		return func(s *Selection) error { return add(sum, s) }
	})
	return sums, stats, err
}

func selections(ctx context.Context, snap scan.Snapshot, queries []*plan.Search, limits Limits, begin func() func(*Selection) error) (Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	first, last := queries[0].Start, queries[0].End
	for _, q := range queries {
		first, last = min(first, q.Start), max(last, q.End)
	}
	blocks := r.blocksWithin(first, last)
	parts := make([]*blockHand, workers(blocks))
	for i := range parts {
		parts[i] = &blockHand{run: r.fork(), hand: begin()}
		for _, q := range queries {
			w := &spanWalk{search: search{run: parts[i].run, plan: q, spanFilter: plan.Relax(q.Filter)}}
			w.filter.stop = w.stop
			w.perTrace = q.Spans != nil || plan.HasTraceLeaves(q.Filter)
			parts[i].walks = append(parts[i].walks, w)
		}
	}
	deal(blocks, len(parts), func(worker int, b scan.Block) bool { return parts[worker].visit(b) })
	for _, p := range parts {
		r.join(p.run)
	}
	if _, err := r.more(); err != nil {
		return r.finish(), err
	}
	return r.finish(), nil
}

// blockHand hands over blocks. It belongs to one goroutine.
type blockHand struct {
	*run
	walks []*spanWalk // one for each query
	hand  func(*Selection) error
}

// visit hands over a block; false means that the query is to end.
func (s *blockHand) visit(b scan.Block) bool {
	s.scanned(b)
	out := Selection{Block: b, stop: s.stop}
	any := false
	for _, w := range s.walks {
		sel := w.filter.get()
		defer w.filter.put(sel)
		if err := w.selected(b, sel); err != nil {
			s.damaged("filter block", err)
			return !errors.Is(err, scan.ErrStopped)
		}
		n := sel.Count()
		any = any || n > 0
		s.matchedSpans += uint64(n)
		out.Rows = append(out.Rows, sel)
	}
	if any {
		if err := s.hand(&out); err != nil {
			s.damaged("read block", err)
		}
	}
	return !s.late()
}

// selected makes sel the rows of b that the walk's query selects.
func (w *spanWalk) selected(b scan.Block, sel *scan.Bitmap) error {
	lo, hi := b.Bounds()
	sel.Reset(b.Len(), hi >= w.plan.Start && (lo < w.plan.End || w.plan.End == plan.All))
	if sel.Empty() {
		return nil
	}
	if err := w.filter.narrowWithin(w.plan, w.spanFilter, b, sel); err != nil || !w.perTrace {
		return err
	}
	return w.bindTraces(b, sel)
}
