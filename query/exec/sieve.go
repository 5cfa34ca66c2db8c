package exec

import (
	"slices"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A sieve tells of all traces of a block at once which of them cannot have a
// result of a plan that asks about whole traces: it goes through the plan with
// bitmaps over the block's rows, in each step keeping at least the rows that
// the step keeps of some trace. It costs about as much as filtering the block,
// which is what looking at a few dozen traces costs.
//
// It knows the block's rows only. A trace that it finds bare may yet have a
// result if it has rows elsewhere.
type sieve struct {
	plan   *plan.Search
	needed []plan.Node // where the plan has no pipeline
	// The rest is scratch.
	block  scan.Block
	pieces []tracePiece
	filter *filter
	keys   []uint64 // by row: what it is grouped by, as a hash
	group  []uint64
	lineage
}

// newSieve is nil where every trace would go through.
func newSieve(p *plan.Search) *sieve {
	s := &sieve{plan: p}
	if p.Spans == nil {
		if s.needed = p.Needed(); len(s.needed) == 0 {
			return nil
		}
	}
	return s
}

// judge marks the pieces, of traces of b, that are bare. Where b cannot be
// read no piece is.
func (s *sieve) judge(b scan.Block, pieces []tracePiece, f *filter) error {
	s.block, s.pieces, s.filter = b, pieces, f
	s.lineage.reset()
	leaves := f.leaves
	f.leaves = nil // they are of the filter of blocks
	defer func() { s.block, s.pieces, s.filter, f.leaves = nil, nil, nil, leaves }()
	rows := f.get()
	defer f.put(rows)
	rows.Reset(b.Len(), false)
	for i := range pieces {
		for row := pieces[i].lo; row < pieces[i].hi; row++ {
			rows.Set(int(row))
		}
	}
	kept, err := s.kept(rows)
	if err != nil {
		return err
	}
	defer f.put(kept)
	for i := range pieces {
		pieces[i].bare = !pieces[i].any(kept)
	}
	return nil
}

// kept is at least those of the rows that are of a result; of traces that have
// none it may be any.
func (s *sieve) kept(of *scan.Bitmap) (*scan.Bitmap, error) {
	if s.plan.Spans != nil {
		return s.spanset(s.plan.Spans.Pipeline, of)
	}
	out := s.copy(of)
	for _, n := range s.needed {
		with, err := s.holds(n, out)
		if err != nil {
			return out, err
		}
		s.both(with, out, out)
		s.filter.put(with)
	}
	return out, nil
}

func (s *sieve) copy(of *scan.Bitmap) *scan.Bitmap {
	out := s.filter.get()
	out.CopyFrom(of)
	return out
}

func (s *sieve) holds(n plan.Node, of *scan.Bitmap) (*scan.Bitmap, error) {
	out := s.copy(of)
	if out.Empty() {
		return out, nil
	}
	return out, s.filter.narrow(n, s.block, out)
}

// spanset is at least the rows of x among the given ones.
func (s *sieve) spanset(x traceql.Spanset, of *scan.Bitmap) (*scan.Bitmap, error) {
	switch x := x.(type) {
	case *traceql.Filter:
		return s.holds(plan.Relax(s.plan.Spans.Filter(x)), of)
	case *traceql.SpansetOp:
		return s.combined(x, of)
	case *traceql.Pipeline:
		return s.pipeline(x, of)
	}
	return s.copy(of), nil
}

func (s *sieve) combined(x *traceql.SpansetOp, of *scan.Bitmap) (*scan.Bitmap, error) {
	left, err := s.spanset(x.Left, of)
	if err != nil {
		return left, err
	}
	defer s.filter.put(left)
	right, err := s.spanset(x.Right, of)
	if err != nil || x.Op.Negated() {
		return right, err
	}
	if x.Op == traceql.SetOr {
		right.Or(left)
		return right, nil
	}
	s.both(left, right, right)
	if x.Op != traceql.SetAnd {
		err = s.related(x.Op.Relation(), left, right)
	}
	if x.Op == traceql.SetAnd || x.Op.Union() {
		s.both(left, right, left)
		right.Or(left)
	}
	return right, err
}

// both clears from out, which may be one of the two, the rows of traces that
// have none in left or none in right.
func (s *sieve) both(left, right, out *scan.Bitmap) {
	if left.Empty() || right.Empty() {
		out.ClearAll()
		return
	}
	for i := range s.pieces {
		if p := &s.pieces[i]; !p.any(left) || !p.any(right) {
			p.clear(out)
		}
	}
}

func (s *sieve) pipeline(x *traceql.Pipeline, of *scan.Bitmap) (*scan.Bitmap, error) {
	rows, err := s.spanset(x.First, of)
	var by []scan.Field
	for _, stage := range x.Stages {
		if err != nil || rows.Empty() {
			break
		}
		switch stage := stage.(type) {
		case traceql.Spanset:
			before := rows
			rows, err = s.spanset(stage, before)
			s.filter.put(before)
		case *traceql.By:
			by = append(by, groupFields(stage)...)
		case *traceql.Coalesce:
			by = nil
		case *traceql.ScalarFilter:
			err = s.counted(leastCount(stage), by, rows)
		}
	}
	return rows, err
}

// groupFields are those fields of a stage whose values a block can tell; groups
// by some of its fields are no smaller than those by all of them.
func groupFields(stage *traceql.By) (out []scan.Field) {
	for _, x := range stage.Exprs {
		if ref, ok := x.(*traceql.FieldRef); ok && ref.Field.Trace == traceql.TraceNone && coded(ref.Field.Field) {
			out = append(out, ref.Field.Field)
		}
	}
	return out
}

// mostLeast bounds leastCount.
const mostLeast = 1000

// leastCount is at most how many spans each spanset has that a stage keeps.
// Copies of a span are one to the stage and several to who counts rows, which
// errs on the right side.
func leastCount(f *traceql.ScalarFilter) int {
	count, constant, op := f.Left, f.Right, f.Op
	if _, ok := count.(*traceql.ScalarConst); ok {
		count, constant, op = constant, count, op.Flip()
	}
	c, ok := constant.(*traceql.ScalarConst)
	if x, is := count.(*traceql.Aggregate); !is || x.Func != traceql.Count || !ok {
		return 1
	}
	p := scan.Predicate{Op: op, Value: c.Literal.Value}
	for n := int64(1); n < mostLeast; n++ {
		if p.Holds(telemetry.IntValue(n)) {
			return int(n)
		}
	}
	return mostLeast
}

// counted clears the rows of traces of which no group has so many.
func (s *sieve) counted(least int, by []scan.Field, rows *scan.Bitmap) error {
	if least <= 1 {
		return nil
	}
	for i := range s.pieces {
		if p := &s.pieces[i]; rows.CountIn(int(p.lo), int(p.hi)) < least {
			p.clear(rows)
		}
	}
	if len(by) == 0 || rows.Empty() {
		return nil
	}
	if err := s.hash(by, rows); err != nil {
		return err
	}
	for i := range s.pieces {
		if p := &s.pieces[i]; !s.repeats(p, least, rows) {
			p.clear(rows)
		}
	}
	return nil
}

// hash fills keys for the given rows.
func (s *sieve) hash(by []scan.Field, rows *scan.Bitmap) error {
	s.keys = slices.Grow(s.keys[:0], rows.Len())[:rows.Len()]
	clear(s.keys)
	for _, field := range by {
		// A dictionary may have a value twice.
		first := map[telemetry.Value]uint32{}
		same := []uint32{0}
		codes := &s.filter.codes
		codes.Reset()
		err := s.filter.runs(rows, func(lo, hi int, _ []uint64) error {
			if err := s.block.Codes(field, lo, hi, codes); err != nil {
				return err
			}
			for _, v := range codes.Dict[len(same)-1:] {
				code, ok := first[v]
				switch {
				case absent(field, v):
					code = 0
				case !ok:
					code = uint32(len(same))
					first[v] = code
				}
				same = append(same, code)
			}
			for i, code := range codes.Rows {
				s.keys[lo+i] = (s.keys[lo+i] ^ uint64(same[code])) * 0x9e3779b97f4a7c15
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// repeats reports whether so many of the piece's rows have the same key.
func (s *sieve) repeats(p *tracePiece, least int, rows *scan.Bitmap) bool {
	s.group = s.group[:0]
	for i := rows.Next(int(p.lo)); i >= 0 && i < int(p.hi); i = rows.Next(i + 1) {
		s.group = append(s.group, s.keys[i])
	}
	slices.Sort(s.group)
	for i := least - 1; i < len(s.group); i++ {
		if s.group[i] == s.group[i-least+1] {
			return true
		}
	}
	return false
}
