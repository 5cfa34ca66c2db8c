package exec

import (
	"encoding/binary"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Whether a span is a root is the one question about the trace that most
// series ask. It needs no tree where a trace is in one piece, its span IDs
// differ, one span has no parent and the parents of all others are rows before
// them: then that one is the root.

// rootQuestion is a condition on nestedSetParent that has one answer for roots
// and one for all other spans.
type rootQuestion struct{ root, other bool }

// askRoot is what the spans of a pipeline are asked about the trace, if that is
// no more than a root question.
func askRoot(p *plan.Metrics) (q rootQuestion, ok bool) {
	if p.Spans != nil || p.X != nil && asksTrace(p.X) || p.Compare != nil && plan.HasTraceLeaves(p.Selection) {
		return q, false
	}
	for _, f := range p.By {
		if f.Trace != traceql.TraceNone {
			return q, false
		}
	}
	all, and := p.Filter.(plan.And)
	if !and {
		all = plan.And{p.Filter}
	}
	for _, n := range all {
		leaf, is := n.(*plan.TraceLeaf)
		switch {
		case !is && plan.HasTraceLeaves(n), is && ok:
			return q, false
		case is:
			// The number is -1 of a root, at least 1 of others.
			v := leaf.Predicate.Value
			if leaf.Field != traceql.SpanNestedParent || v.Type() != telemetry.ValueInt || v.Int() < -1 || v.Int() > 0 {
				return q, false
			}
			q, ok = rootQuestion{leaf.Predicate.Holds(telemetry.IntValue(-1)), leaf.Predicate.Holds(telemetry.IntValue(1))}, true
		}
	}
	return q, ok
}

// rootFinder answers a root question for blocks. It belongs to one goroutine.
type rootFinder struct {
	parents []uint32
	rows    scan.Rows
	met     [rootSpans * 4]telemetry.SpanID // a hash table of the trace at hand
	in      [rootSpans * 4]uint32           // the number of the trace that a place of met is of
	number  uint32
}

// rootSpans is how many spans a trace may have here.
const rootSpans = 1 << 8

// rootRows is how many rows are read at a time, from the first of a trace on.
const rootRows = 1 << 14

// roots clears those rows of sel whose answer is no, and sets in rest, which
// is empty, the rows of the traces that it cannot tell of.
func (s *selector) roots(q rootQuestion, b scan.Block, sel, rest *scan.Bitmap) error {
	known, ok := b.(scan.Lineage)
	if !ok {
		rest.CopyFrom(sel)
		return nil
	}
	if sel.Empty() {
		return nil // the block's table of traces need not be read
	}
	trace, err := tracer(b)
	if err != nil {
		return err
	}
	f := &s.rootFinder
	lo, hi := 0, 0 // rows that are read
	for row := sel.Next(0); row >= 0; {
		t, err := trace(row)
		if err != nil {
			return err
		}
		if t.Hi > hi {
			lo, hi = t.Lo, min(max(t.Lo+rootRows, t.Hi), b.Len())
			if err := s.filter.stopped(); err != nil {
				return err
			}
			if err := b.Rows(lo, hi, scan.ColSpanID, &f.rows); err != nil {
				return err
			}
			if f.parents, err = known.Parents(lo, hi, f.parents); err != nil {
				return err
			}
		}
		root, ok := -1, t.Hi-t.Lo <= min(rootSpans, s.limits.TraceSpans) && s.alone(t.ID)
		if ok {
			root, ok = f.root(t.Lo-lo, t.Hi-lo)
		}
		for ; row >= 0 && row < t.Hi; row = sel.Next(row + 1) {
			switch {
			case !ok:
				rest.Set(row)
			case row-lo == root && !q.root, row-lo != root && !q.other:
				sel.Clear(row)
			}
		}
	}
	return nil
}

// root is the only root of a whole trace, rows [lo, hi) of those read; it is
// not ok where that is not certain.
func (f *rootFinder) root(lo, hi int) (root int, ok bool) {
	f.number++
	if f.number == 0 { // after four billion traces
		clear(f.in[:])
		f.number = 1
	}
	root = -1
	for i := lo; i < hi; i++ {
		switch parent := f.parents[i]; {
		case parent == 0 && root >= 0, int(parent) > i-lo: // and so ParentElsewhere
			return -1, false
		case parent == 0:
			root = i
		}
		id := f.rows.SpanID[i]
		at := binary.LittleEndian.Uint64(id[:]) * 0x9e3779b97f4a7c15 >> 54
		for ; f.in[at] == f.number; at = (at + 1) % uint64(len(f.in)) {
			if f.met[at] == id {
				return -1, false
			}
		}
		f.met[at], f.in[at] = id, f.number
	}
	return root, root >= 0
}
