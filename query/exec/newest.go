package exec

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"slices"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// SearchResult is one page of traces.
type SearchResult struct {
	Traces []Summary
	Next   *plan.Cursor // nil on the last page
	Stats  Stats
}

// Search finds the newest traces, see [plan.Search].
//
// It is a threshold algorithm. A trace may have pieces in several sources, so
// the start of a piece is only an upper bound of the start of its trace, and
// [scan.Block.NewestTrace] one of all traces of a block. Blocks and candidate
// traces are taken in the order of their bounds; a block yields candidates, a
// candidate its exact place; and the search is over when the last place of the
// page is newer than every bound left. So no block is filtered and no trace
// looked up that the bounds can exclude, and only traces of the page are
// summarised.
//
// A page that starts after a cursor must look up the traces of the pages
// before again, since a piece newer than the cursor may belong to a trace
// that is older: its cost grows with the depth of the page.
func Search(ctx context.Context, snap scan.Snapshot, p *plan.Search, limits Limits) (*SearchResult, error) {
	s := &search{run: start(ctx, snap, limits), plan: p, spanFilter: plan.Relax(p.Filter), seen: map[telemetry.TraceID]struct{}{}}
	defer s.release()
	s.filter.stop = s.stop
	s.perTrace = plan.HasTraceLeaves(p.Filter)
	if s.spanFilter != plan.Node(plan.Constant(false)) {
		s.blocks = s.blocksWithin(p.Start, p.End)
		if err := s.rank(); err != nil {
			return nil, err
		}
	}
	return s.page()
}

type search struct {
	*run
	plan       *plan.Search
	spanFilter plan.Node // what is required of a single span
	perTrace   bool      // the plan asks about whole traces too
	filter     filter
	blocks     []queuedBlock // those not visited, best bound last
	candidates candidates
	seen       map[telemetry.TraceID]struct{} // candidates, past and present
	best       []ranked                       // at most Limit + 1, best first
}

// candidate is a trace with a matching span, known by one of its pieces.
type candidate struct {
	id     telemetry.TraceID
	start  uint64 // of the piece
	source int
}

// candidates is a heap, latest start first.
type candidates []candidate

func (c candidates) Len() int           { return len(c) }
func (c candidates) Less(i, j int) bool { return c[i].start > c[j].start }
func (c candidates) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)        { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// ranked is a result.
type ranked struct {
	id      telemetry.TraceID
	start   uint64   // of the whole trace
	summary *Summary // where the plan needed it already
}

// before is the order of results.
func before(a, b ranked) int {
	if c := cmp.Compare(b.start, a.start); c != 0 {
		return c
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// rank fills best.
func (s *search) rank() error {
	for len(s.blocks) > 0 || len(s.candidates) > 0 {
		if ok, err := s.more(); !ok {
			return err
		}
		var bound uint64
		fromBlock := len(s.blocks) > 0
		if fromBlock {
			bound = s.blocks[len(s.blocks)-1].bound
		}
		if len(s.candidates) > 0 && (!fromBlock || s.candidates[0].start > bound) {
			bound, fromBlock = s.candidates[0].start, false
		}
		if s.excluded(bound) {
			return nil
		}
		if fromBlock {
			next := s.blocks[len(s.blocks)-1]
			s.blocks = s.blocks[:len(s.blocks)-1]
			s.visit(next)
			continue
		}
		s.resolve(heap.Pop(&s.candidates).(candidate))
	}
	return nil
}

// excluded reports whether no trace with this bound can be on the page.
func (s *search) excluded(bound uint64) bool {
	return len(s.best) > s.plan.Limit && s.best[s.plan.Limit].start > bound
}

// visit turns the matching rows of a block into candidates.
func (s *search) visit(q queuedBlock) {
	s.scanned(q.block)
	sel := s.filter.get()
	defer s.filter.put(sel)
	n := q.block.Len()
	sel.Reset(n, true)
	if err := s.filter.narrowWithin(s.plan, s.spanFilter, q.block, sel); err != nil {
		s.damaged("filter block", err)
		return
	}
	for row := sel.Prev(n - 1); row >= 0; {
		t, err := q.block.Trace(row)
		if err != nil {
			s.damaged("read traces of block", err)
			return
		}
		if !s.add(candidate{t.ID, t.Start, q.source}) {
			return
		}
		row = sel.Prev(min(row, t.Lo) - 1)
	}
}

// narrowWithin applies the range of time and a filter to sel.
func (f *filter) narrowWithin(p *plan.Search, n plan.Node, b scan.Block, sel *scan.Bitmap) error {
	if err := f.within(p.Start, p.End, b, sel); err != nil {
		return err
	}
	return f.narrow(n, b, sel)
}

// add queues a candidate unless it is known or hopeless; false means that
// there are too many.
func (s *search) add(c candidate) bool {
	if s.excluded(c.start) {
		return true
	}
	if _, ok := s.seen[c.id]; ok {
		return true
	}
	if len(s.seen) >= s.limits.Traces {
		s.tooMany(s.limits.Traces, "traces to choose from")
		return false
	}
	s.seen[c.id] = struct{}{}
	heap.Push(&s.candidates, c)
	return true
}

// resolve finds a candidate's place among the results.
func (s *search) resolve(c candidate) {
	r := ranked{id: c.id, start: s.traceStart(c.id, c.start, c.source)}
	if a := s.plan.After; a != nil && before(r, ranked{id: a.ID, start: a.Start}) <= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(s.best, r, before)
	if at > s.plan.Limit {
		return
	}
	if s.perTrace {
		sum := s.summarise(c.id)
		if sum.Matched == 0 {
			return
		}
		r.summary = &sum
	}
	s.best = slices.Insert(s.best, at, r)
	s.best = s.best[:min(len(s.best), s.plan.Limit+1)]
}

// page is the answer made of best. Where time runs out it ends early.
func (s *search) page() (*SearchResult, error) {
	out := &SearchResult{}
	more := len(s.best) > s.plan.Limit
	s.best = s.best[:min(len(s.best), s.plan.Limit)]
	for i, r := range s.best {
		if r.summary == nil {
			sum := s.summarise(r.id)
			r.summary = &sum
		}
		if ok, err := s.more(); err != nil {
			return nil, err
		} else if !ok { // the summary may lack something
			more, s.best = true, s.best[:i]
			break
		}
		out.Traces = append(out.Traces, *r.summary)
	}
	if more && len(s.best) > 0 {
		last := s.best[len(s.best)-1]
		out.Next = &plan.Cursor{Start: last.start, ID: last.id}
	}
	out.Stats = s.finish()
	return out, nil
}
