package exec

import (
	"context"
	"errors"
	"sync"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// WholeTrace is all spans of a trace. It is valid for the call that it is
// handed to; its strings are until the snapshot is released.
type WholeTrace struct {
	ID    telemetry.TraceID
	Spans []TraceSpan
	// Parent is for each span the index of its parent, or -1. Where client and
	// server share a span ID, as with Zipkin, the server's span hangs below the
	// client's.
	Parent []int32
	// Order is the indices of all spans, parents first, siblings by start.
	Order []int32

	view  *view
	rows  []int32 // of the view, by span
	batch telemetry.Batch
	codes *codeRuns
}

// TraceSpan is what most questions about a span of a trace need.
type TraceSpan struct {
	ID, Parent      telemetry.SpanID
	Start, Duration uint64 // Unix nanoseconds, nanoseconds
	Kind            telemetry.Kind
	Status          telemetry.Status
	Name, Service   string
	// Weight is how many spans this one stands for, see [RowWeights].
	Weight uint64
}

// Value is a field of span i that has one value a span: no event's, no link's.
func (t *WholeTrace) Value(i int, f scan.Field) (GroupValue, error) {
	row := int(t.rows[i])
	for _, p := range t.view.pieces {
		if n := p.hi - p.lo; row >= n {
			row -= n
			continue
		}
		return t.codes.value(p.block, p.lo+row, f)
	}
	return GroupValue{}, nil
}

// codeRuns reads single values, of which the next is expected to be near the
// one before. It belongs to one goroutine.
type codeRuns struct {
	block scan.Block
	runs  map[scan.Field]*codeRun
}

// codeRun is a field of rows [lo, hi) of a block.
type codeRun struct {
	lo, hi int
	size   int // how many rows were asked for last
	codes  scan.Codes
}

// Reads of rows at most nearRows from those before are each twice as long, up to
// mostRows: so it goes in a segment, where a trace's rows are neighbours. In
// the head, where they are anywhere, rows are read one by one.
const nearRows, mostRows = 64, 1024

func (c *codeRuns) value(b scan.Block, row int, f scan.Field) (GroupValue, error) {
	if b != c.block {
		c.block = b
		for _, r := range c.runs {
			*r = codeRun{codes: r.codes}
			r.codes.Reset()
		}
	}
	r := c.runs[f]
	if r == nil {
		if c.runs == nil {
			c.runs = map[scan.Field]*codeRun{}
		}
		r = &codeRun{}
		c.runs[f] = r
	}
	if row < r.lo || row >= r.hi {
		r.size = min(2*r.size, mostRows)
		if row < r.lo-nearRows || row >= r.hi+nearRows || r.size == 0 {
			r.size = 1
		}
		lo := row / r.size * r.size
		hi := min(lo+r.size, b.Len())
		r.lo, r.hi = 0, 0
		if err := b.Codes(f, lo, hi, &r.codes); err != nil {
			return GroupValue{}, err
		}
		r.lo, r.hi = lo, hi
	}
	code := r.codes.Rows[row-r.lo]
	if code == 0 || absent(f, r.codes.Dict[code-1]) {
		return GroupValue{}, nil
	}
	return GroupValue{true, r.codes.Dict[code-1]}, nil
}

// Links are those of span i, until the next call.
func (t *WholeTrace) Links(i int) ([]telemetry.Link, error) {
	t.batch.Reset()
	if err := t.view.read(int(t.rows[i]), &t.batch); err != nil {
		return nil, err
	}
	return t.batch.LinksOf(&t.batch.Spans[0]), nil
}

// Find is another trace of the snapshot that t is of, without spans if there
// is none. t stays valid.
func (t *WholeTrace) Find(id telemetry.TraceID) *WholeTrace {
	s := &search{run: t.view.run, plan: &plan.Search{End: plan.All}}
	return newWholeTrace(s.whole(id, piece{}), &codeRuns{})
}

func newWholeTrace(v *view, codes *codeRuns) *WholeTrace {
	t := &WholeTrace{ID: v.id, view: v, codes: codes, Spans: make([]TraceSpan, 0, len(v.rows)), rows: make([]int32, 0, len(v.rows))}
	index := make([]int32, len(v.rows))
	for i := v.present.Next(0); i >= 0; i = v.present.Next(i + 1) {
		r := &v.rows[i]
		index[i] = int32(len(t.Spans))
		t.rows = append(t.rows, int32(i))
		t.Spans = append(t.Spans, TraceSpan{r.id, r.parent, r.start, r.duration, r.kind, r.status, r.name, r.service, 1})
	}
	t.weigh()
	place := v.place()
	t.Parent, t.Order = make([]int32, len(t.Spans)), make([]int32, len(t.Spans))
	for i, row := range t.rows {
		t.Parent[i] = -1
		if p := place.parent[row]; p >= 0 {
			t.Parent[i] = index[p]
		}
	}
	for i, row := range place.order {
		t.Order[i] = index[row]
	}
	return t
}

// Weight is how many traces this one stands for: that of its earliest span
// without a parent.
func (t *WholeTrace) Weight() uint64 {
	root := int32(-1)
	for _, i := range t.Order {
		if t.Parent[i] < 0 && (root < 0 || t.Spans[i].Start < t.Spans[root].Start) {
			root = i
		}
	}
	if root < 0 {
		return 1
	}
	return t.Spans[root].Weight
}

// weigh reads the weights of all spans.
func (t *WholeTrace) weigh() {
	for i := range t.Spans {
		state, err := t.Value(i, traceStateField)
		if err != nil {
			t.view.damaged("read tracestate", err)
			return
		}
		if state.Present {
			t.Spans[i].Weight = wholeWeight(weight(state.Value.Str()), t.ID)
		}
	}
}

// Traces hands over every trace that p has a result in, once and whole, in no
// order. Limit, After and Fields of p are not used. Several goroutines do so,
// each of which adds up what it is given with an S of its own, made by begin;
// all of them are returned. An error of add ends the call. What cannot be read
// is left out, and Stats says so.
func Traces[S any](ctx context.Context, snap scan.Snapshot, p *plan.Search, limits Limits, begin func() S, add func(S, *WholeTrace) error) ([]S, Stats, error) {
	var sums []S
	stats, err := traces(ctx, snap, p, limits, func() func(*WholeTrace) error {
		sum := begin()
		sums = append(sums, sum)
		return func(t *WholeTrace) error { return add(sum, t) }
	})
	return sums, stats, err
}

func traces(ctx context.Context, snap scan.Snapshot, p *plan.Search, limits Limits, begin func() func(*WholeTrace) error) (Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	blocks := r.blocksWithin(p.Start, p.End)
	shared := &handed{most: limits.Traces, ids: map[telemetry.TraceID]struct{}{}}
	walks := make([]*traceWalk, workers(blocks))
	for i := range walks {
		walks[i] = newTraceWalk(r, p, shared, begin())
	}
	deal(blocks, len(walks), func(worker int, b scan.Block) bool { return walks[worker].visit(b) })
	for _, w := range walks {
		r.join(w.run)
		if w.err != nil {
			return r.finish(), w.err
		}
	}
	if shared.full {
		r.tooMany(limits.Traces, "traces that are stored in several places")
	}
	if _, err := r.more(); err != nil {
		return r.finish(), err
	}
	return r.finish(), nil
}

// handed is the traces in several pieces that have been handed over. A trace
// in one piece cannot be met again.
type handed struct {
	mu   sync.Mutex
	ids  map[telemetry.TraceID]struct{}
	most int
	full bool
}

func (h *handed) has(id telemetry.TraceID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.ids[id]
	return ok
}

// claim reports whether the caller is to hand over the trace.
func (h *handed) claim(id telemetry.TraceID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.ids[id]; ok {
		return false
	}
	if len(h.ids) >= h.most {
		h.full = true
		return false
	}
	h.ids[id] = struct{}{}
	return true
}

// traceWalk hands over traces of blocks. It belongs to one goroutine.
type traceWalk struct {
	search
	handed *handed
	hand   func(*WholeTrace) error
	err    error // of hand
	codes  codeRuns
}

func newTraceWalk(r *run, p *plan.Search, shared *handed, hand func(*WholeTrace) error) *traceWalk {
	w := &traceWalk{search: search{run: r.fork(), plan: p, spanFilter: plan.Relax(p.Filter)}, handed: shared, hand: hand}
	w.filter.stop = w.stop
	w.perTrace = p.Spans != nil || plan.HasTraceLeaves(p.Filter)
	return w
}

// visit hands over the traces of a block; false means that the query is to end.
func (w *traceWalk) visit(b scan.Block) bool {
	w.scanned(b)
	sel := w.filter.get()
	defer w.filter.put(sel)
	sel.Reset(b.Len(), true)
	if err := w.filter.narrowWithin(w.plan, w.spanFilter, b, sel); err != nil {
		w.damaged("filter block", err)
		return !errors.Is(err, scan.ErrStopped)
	}
	if sel.Count() > b.Len()/cachedTraces {
		if err := w.cache.begin(b); err != nil {
			w.damaged("read rows", err)
			return true
		}
		defer w.cache.end()
	}
	for row := sel.Next(0); row >= 0; {
		if w.late() {
			return false
		}
		t, err := b.Trace(row)
		if err != nil {
			w.damaged("read trace", err)
			return true
		}
		next := max(row+1, t.Hi)
		if !w.handed.has(t.ID) {
			v := w.whole(t.ID, piece{b, t.Lo, t.Hi})
			if w.err = w.trace(v); w.err != nil {
				return false
			}
			if len(v.pieces) == 1 {
				next = max(next, v.pieces[0].hi)
			}
		}
		row = sel.Next(next)
	}
	return true
}

// trace hands over a trace with a matching span, if p has a result in it and
// nobody did so before.
func (w *traceWalk) trace(v *view) error {
	if len(v.rows) == 0 || len(v.pieces) > 1 && !w.handed.claim(v.id) {
		return nil
	}
	if w.perTrace {
		if w.plan.Spans == nil && !plan.HasPlaceLeaves(w.plan.Filter) {
			v.trace().Matched = w.matches(v)
		} else if err := w.evaluate(v); err != nil {
			w.damaged("evaluate trace "+v.id.String(), err)
			return nil
		}
		if v.trace().Matched == 0 {
			return nil
		}
	}
	t := newWholeTrace(v, &w.codes)
	w.matchedTraces++
	w.matchedSpans += uint64(len(t.Spans))
	return w.hand(t)
}
