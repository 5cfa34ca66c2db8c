package exec

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"

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
// [scan.Block.NewestTrace] one of all traces of a block. Blocks and pieces of
// traces are taken in the order of their bounds; a block yields pieces, a
// piece the exact place of its trace; and the search is over when the last
// place of the page is newer than every bound left. So no trace is looked up
// that the bounds can exclude, only traces of the page are summarised, and no
// block is filtered but those that must be and the few that [lookahead] does
// before their turn. Of a plan that asks about whole traces, a [sieve] spares
// most of those that have no result.
//
// A page that starts after a cursor must look up the traces of the pages
// before again, since a piece newer than the cursor may belong to a trace
// that is older: its cost grows with the depth of the page.
func Search(ctx context.Context, snap scan.Snapshot, p *plan.Search, limits Limits) (*SearchResult, error) {
	return SearchEach(ctx, snap, p, limits, nil)
}

// SearchEach is [Search] that also tells the traces of the page one by one, in
// their order, as soon as no newer one can come before them any more. An error
// of found ends the search.
func SearchEach(ctx context.Context, snap scan.Snapshot, p *plan.Search, limits Limits, found func(*Summary) error) (*SearchResult, error) {
	s := &search{
		run: start(ctx, snap, limits), plan: p, spanFilter: plan.Relax(p.Filter), seen: map[telemetry.TraceID]struct{}{}, found: found,
	}
	defer s.release()
	s.filter.stop = s.stop
	s.perTrace = p.Spans != nil || plan.HasTraceLeaves(p.Filter)
	s.leaves().plan(s.spanFilter)
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
	cache      blockCache
	ids        map[telemetry.SpanID]struct{}  // of the trace at hand
	rowsRead   []summaryRow                   // likewise
	blocks     []queuedBlock                  // those not visited, best bound last
	visited    []*visitedBlock                // a heap: blocks with pieces left, best piece first
	held       int                            // how many pieces those are
	seen       map[telemetry.TraceID]struct{} // looked up
	best       []ranked                       // at most Limit + 1, best first
	result     *scan.Bitmap                   // of the trace evaluated last, over the rows of its pieces
	pieces     []piece
	misses     int                  // traces looked at that have no result
	sieve      *sieve               // nil: none is wanted
	sieved     int                  // blocks that it judged, and
	through    int                  // how many of their traces came through
	semijoined bool                 // or tried to
	found      func(*Summary) error // nil: nobody waits for single traces
	told       int                  // how many of best it was called with
}

// visitedBlock holds the pieces of traces with matching spans in a block, best
// last.
type visitedBlock struct {
	queuedBlock
	pieces []tracePiece
}

// tracePiece is a run of rows [lo, hi) of a block that belong to a trace.
type tracePiece struct {
	start   uint64 // of the piece
	lo, hi  uint32
	matched uint32 // its rows that match
	lone    bool   // it is known to be the whole trace
	bare    bool   // if it is the whole trace, that has no result
}

// any reports whether one of its rows is in the set.
func (p *tracePiece) any(rows *scan.Bitmap) bool { return rows.CountIn(int(p.lo), int(p.hi)) > 0 }

// clear takes its rows from the set.
func (p *tracePiece) clear(rows *scan.Bitmap) {
	for i := p.lo; i < p.hi; i++ {
		rows.Clear(int(i))
	}
}

// visitedBlocks keeps the memory of searches for later ones.
var visitedBlocks = sync.Pool{New: func() any { return new(visitedBlock) }}

// free gives m up; it refers to no stored data any more.
func (m *visitedBlock) free() {
	m.queuedBlock = queuedBlock{}
	visitedBlocks.Put(m)
}

func (m *visitedBlock) best() uint64 { return m.pieces[len(m.pieces)-1].start }

// visitedHeap is search.visited as package heap wants it.
type visitedHeap []*visitedBlock

func (h visitedHeap) Len() int           { return len(h) }
func (h visitedHeap) Less(i, j int) bool { return h[i].best() > h[j].best() }
func (h visitedHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *visitedHeap) Push(x any)        { *h = append(*h, x.(*visitedBlock)) }
func (h *visitedHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// ranked is a result.
type ranked struct {
	id      telemetry.TraceID
	start   uint64   // of the whole trace
	summary *Summary // where the plan needed it already
	found   matchedPiece
}

// matchedPiece is a piece of a trace and how many of its rows match.
type matchedPiece struct {
	piece
	rows int
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
	ahead := newLookahead(s)
	defer ahead.close()
	defer func() {
		for _, m := range s.visited {
			m.free()
		}
		s.visited = nil
	}()
	for len(s.blocks) > 0 || len(s.visited) > 0 {
		if ok, err := s.more(); !ok {
			return err
		}
		var bound uint64
		fromBlock := len(s.blocks) > 0
		if fromBlock {
			bound = s.blocks[len(s.blocks)-1].bound
		}
		if len(s.visited) > 0 && (!fromBlock || s.visited[0].best() > bound) {
			bound, fromBlock = s.visited[0].best(), false
		}
		if s.excluded(bound) {
			return nil
		}
		if err := s.tell(bound); err != nil {
			return err
		}
		began := s.clock()
		if fromBlock {
			b := ahead.next()
			began, s.within = s.took(stepFilter, began), stepPlace
			s.visit(b)
			s.took(stepPlace, began)
		} else {
			s.within = stepLookUp
			s.take()
			s.took(stepLookUp, began)
		}
	}
	_, err := s.more()
	return err
}

// excluded reports whether no trace with this bound can be on the page.
func (s *search) excluded(bound uint64) bool {
	return len(s.best) > s.plan.Limit && s.best[s.plan.Limit].start > bound
}

// tell calls found with the traces of the page that are newer than bound.
func (s *search) tell(bound uint64) error {
	if s.found == nil {
		return nil
	}
	for ; s.told < min(len(s.best), s.plan.Limit) && s.best[s.told].start > bound; s.told++ {
		sum := s.summary(&s.best[s.told])
		if s.late() { // the summary may lack something
			return nil
		}
		if sum.nothing() {
			continue
		}
		if err := s.found(sum); err != nil {
			return err
		}
	}
	return nil
}

// summary is that of a result.
func (s *search) summary(r *ranked) *Summary {
	if r.summary == nil {
		began := s.clock()
		sum := s.summarise(r.id, r.found.piece, &r.found)
		s.took(stepSummarise, began)
		r.summary = &sum
	}
	return r.summary
}

// visit queues the pieces of traces of a filtered block.
func (s *search) visit(b *filtered) {
	if b.err != nil {
		s.damaged(b.doing, b.err)
	}
	m := visitedBlocks.Get().(*visitedBlock)
	m.queuedBlock, m.pieces = b.queuedBlock, m.pieces[:0]
	for _, p := range b.pieces {
		if !s.excluded(p.start) {
			m.pieces = append(m.pieces, p)
		}
	}
	switch {
	case b.judged:
		s.sifted(m)
	case s.sieve != nil:
		s.sift(m)
	}
	m.pieces = slices.DeleteFunc(m.pieces, func(p tracePiece) bool { return p.bare && p.lone })
	byStart := func(x, y tracePiece) int { return cmp.Compare(x.start, y.start) }
	if !slices.IsSortedFunc(m.pieces, byStart) { // in a segment they are
		slices.SortFunc(m.pieces, byStart)
	}
	if over := s.held + len(m.pieces) - s.limits.Traces; over > 0 {
		s.tooMany(s.limits.Traces, "traces to choose from")
		m.pieces = m.pieces[min(over, len(m.pieces)):] // the oldest go
	}
	if len(m.pieces) == 0 {
		m.free()
	} else {
		s.held += len(m.pieces)
		heap.Push((*visitedHeap)(&s.visited), m)
	}
	s.semijoin()
}

// take looks up the trace of the best piece.
func (s *search) take() {
	m := s.visited[0]
	best := m.pieces[len(m.pieces)-1]
	m.pieces = m.pieces[:len(m.pieces)-1]
	s.held--
	block, source := m.block, m.source
	if len(m.pieces) == 0 {
		m = heap.Pop((*visitedHeap)(&s.visited)).(*visitedBlock)
		m.free()
	} else {
		heap.Fix((*visitedHeap)(&s.visited), 0)
	}
	if best.bare && best.lone {
		return
	}
	t, err := block.Trace(int(best.lo))
	if err != nil {
		s.damaged("read traces of block", err)
		return
	}
	at := piece{block, int(best.lo), int(best.hi)}
	if _, ok := s.seen[t.ID]; ok || best.bare && s.inOnePlace(t.ID, at) {
		return
	}
	if len(s.seen) >= s.limits.Traces {
		s.tooMany(s.limits.Traces, "traces to choose from")
		return
	}
	s.seen[t.ID] = struct{}{}
	s.resolve(t, source, matchedPiece{at, int(best.matched)})
}

// narrowWithin applies the range of time and a filter to sel.
func (f *filter) narrowWithin(p *plan.Search, n plan.Node, b scan.Block, sel *scan.Bitmap) error {
	if err := f.within(p.Start, p.End, b, sel); err != nil {
		return err
	}
	return f.narrow(n, b, sel)
}

// resolve finds a trace's place among the results; t is its piece in the
// source.
func (s *search) resolve(t scan.Trace, source int, found matchedPiece) {
	r := ranked{id: t.ID, start: s.traceStart(t.ID, t.Start, source), found: found}
	if a := s.plan.After; a != nil && before(r, ranked{id: a.ID, start: a.Start}) <= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(s.best, r, before)
	if at > s.plan.Limit {
		return
	}
	if s.perTrace {
		began := s.clock()
		sum := s.summarise(r.id, found.piece, nil)
		s.tookWithin(stepEvaluate, began)
		if sum.Matched == 0 {
			s.missed()
			return
		}
		r.summary = &sum
	}
	s.best = slices.Insert(s.best, at, r)
	s.best = s.best[:min(len(s.best), s.plan.Limit+1)]
}

// page is the answer made of best, without the traces of which only outdated
// spans match: it may have fewer traces than there is room for. Where time runs out it ends early.
func (s *search) page() (*SearchResult, error) {
	out := &SearchResult{}
	more := len(s.best) > s.plan.Limit
	s.best = s.best[:min(len(s.best), s.plan.Limit)]
	for i := range s.best {
		sum := s.summary(&s.best[i])
		if i >= s.told {
			if ok, err := s.more(); err != nil {
				return nil, err
			} else if !ok { // the summary may lack something
				more, s.best = true, s.best[:i]
				break
			}
			if s.found != nil && !sum.nothing() {
				if err := s.found(sum); err != nil {
					return nil, err
				}
			}
		}
		if sum.nothing() {
			s.missed()
			continue
		}
		out.Traces = append(out.Traces, *sum)
		s.matchedSpans += uint64(sum.Matched)
	}
	s.matchedTraces = uint64(len(out.Traces))
	if more && len(s.best) > 0 {
		last := s.best[len(s.best)-1]
		out.Next = &plan.Cursor{Start: last.start, ID: last.id}
	}
	out.Stats = s.finish()
	return out, nil
}
