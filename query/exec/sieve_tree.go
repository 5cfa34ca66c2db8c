package exec

import (
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// lineage is what a sieve reads of a block where the plan asks for relations
// between spans: at once, and only when it is needed.
type lineage struct {
	parents []uint32 // by row, see scan.Lineage; empty: not read
	ids     scan.Rows
	marked  []bool // scratch: rows of a piece
}

func (l *lineage) reset() {
	l.parents, l.ids.SpanID = l.parents[:0], l.ids.SpanID[:0]
}

// related clears from right the rows of traces of which no row of right stands
// in the relation to one of left.
func (s *sieve) related(op traceql.SetOp, left, right *scan.Bitmap) error {
	known, ok := s.block.(scan.Lineage)
	if !ok || op == traceql.SetSibling {
		return nil
	}
	for i := range s.pieces {
		p := &s.pieces[i]
		if !p.any(right) {
			continue
		}
		if l := &s.lineage; len(l.parents) == 0 {
			var err error
			if l.parents, err = known.Parents(0, s.block.Len(), l.parents); err != nil {
				return err
			}
		}
		if s.relates(op, p, left, right) {
			continue
		}
		if again, err := s.repeatsID(p); err != nil {
			return err
		} else if !again {
			p.clear(right)
		}
	}
	return nil
}

// relates reports whether the relation may hold in a trace whose spans have
// IDs of their own. A parent that is elsewhere may be any span.
func (s *sieve) relates(op traceql.SetOp, p *tracePiece, left, right *scan.Bitmap) bool {
	lo, parents := int(p.lo), s.lineage.parents[p.lo:p.hi]
	switch op {
	case traceql.SetParent: // right is the parent: a child of left the other way round
		left, right = right, left
		fallthrough
	case traceql.SetChild:
		for i, back := range parents {
			if back > 0 && right.Get(lo+i) && (back == scan.ParentElsewhere || left.Get(lo+i-int(back))) {
				return true
			}
		}
		return false
	case traceql.SetAncestor:
		left, right = right, left
	}
	below := s.lineage.below(len(parents))
	for i, back := range parents { // parents first
		if back == 0 {
			continue
		}
		below[i] = back == scan.ParentElsewhere || below[i-int(back)] || left.Get(lo+i-int(back))
		if below[i] && right.Get(lo+i) {
			return true
		}
	}
	return false
}

// below is n times false.
func (l *lineage) below(n int) []bool {
	if cap(l.marked) < n {
		l.marked = make([]bool, n)
	}
	l.marked = l.marked[:n]
	clear(l.marked)
	return l.marked
}

// repeatsID reports whether spans of a piece share an ID, as those of client
// and server may: then parents are not what the block says.
func (s *sieve) repeatsID(p *tracePiece) (bool, error) {
	l := &s.lineage
	if len(l.ids.SpanID) == 0 {
		if err := s.block.Rows(0, s.block.Len(), scan.ColSpanID, &l.ids); err != nil {
			return false, err
		}
	}
	ids := l.ids.SpanID[p.lo:p.hi]
	if len(ids) > fewSpans {
		met := make(map[telemetry.SpanID]struct{}, len(ids))
		for _, id := range ids {
			met[id] = struct{}{}
		}
		return len(met) < len(ids), nil
	}
	for i := range ids {
		for j := range ids[:i] {
			if ids[i] == ids[j] {
				return true, nil
			}
		}
	}
	return false, nil
}
