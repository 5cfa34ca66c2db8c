package exec

import (
	"fmt"
	"math"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// filter decides rows of blocks. It reuses its bitmaps from block to block and
// belongs to one goroutine.
type filter struct {
	stop   <-chan struct{} // see scan.Predicate
	leaves *leafTrails     // nil where nobody asks
	free   []*scan.Bitmap
	rows   scan.Rows
	codes  scan.Codes
	all    []scan.Predicate // those at hand
}

func (f *filter) get() *scan.Bitmap {
	if n := len(f.free); n > 0 {
		b := f.free[n-1]
		f.free = f.free[:n-1]
		return b
	}
	return &scan.Bitmap{}
}

func (f *filter) put(b *scan.Bitmap) { f.free = append(f.free, b) }

// narrow clears the rows of sel for which n does not hold. n asks nothing
// about the trace.
func (f *filter) narrow(n plan.Node, b scan.Block, sel *scan.Bitmap) error {
	switch n := n.(type) {
	case plan.Constant:
		if !n {
			sel.ClearAll()
		}
		return nil
	case *plan.Leaf:
		f.all = append(f.all[:0], f.predicate(n))
		return f.apply(b, sel)
	case *plan.Relation:
		return f.relation(n, b, sel)
	case plan.And:
		return f.intersection(n, b, sel)
	case plan.Not:
		return f.complement(n.X, b, sel)
	case plan.Or:
		return f.union(n, b, sel)
	}
	return fmt.Errorf("filter rows: %T is not about a span", n)
}

// predicate is the leaf's, which says how it was decided where somebody asks.
func (f *filter) predicate(n *plan.Leaf) scan.Predicate {
	p := n.Predicate
	if f.leaves != nil {
		p.Trail = f.leaves.of(n, n.String())
	}
	return p
}

// apply narrows by the predicates at hand unless nobody waits for it.
func (f *filter) apply(b scan.Block, sel *scan.Bitmap) error {
	for i := range f.all {
		f.all[i].Stop = f.stop
	}
	if err := f.all[0].Stopped(); err != nil {
		return err
	}
	return b.Narrow(f.all, sel)
}

// intersection hands the block all comparisons at once, since it knows best
// which of them is rare in it, and then looks at what is left.
func (f *filter) intersection(n plan.And, b scan.Block, sel *scan.Bitmap) error {
	f.all = f.all[:0]
	for _, x := range n {
		if leaf, ok := x.(*plan.Leaf); ok {
			f.all = append(f.all, f.predicate(leaf))
		}
	}
	if len(f.all) > 0 {
		if err := f.apply(b, sel); err != nil {
			return err
		}
	}
	for _, x := range n {
		if sel.Empty() {
			return nil
		}
		if _, ok := x.(*plan.Leaf); ok {
			continue
		}
		if err := f.narrow(x, b, sel); err != nil {
			return err
		}
	}
	return nil
}

func (f *filter) complement(n plan.Node, b scan.Block, sel *scan.Bitmap) error {
	held := f.get()
	defer f.put(held)
	held.CopyFrom(sel)
	if err := f.narrow(n, b, held); err != nil {
		return err
	}
	sel.AndNot(held)
	return nil
}

// union asks each operand only about the rows that none before it holds for.
func (f *filter) union(n plan.Or, b scan.Block, sel *scan.Bitmap) error {
	rest, held := f.get(), f.get()
	defer f.put(rest)
	defer f.put(held)
	rest.CopyFrom(sel)
	for _, x := range n {
		if rest.Empty() {
			break
		}
		held.CopyFrom(rest)
		if err := f.narrow(x, b, held); err != nil {
			return err
		}
		rest.AndNot(held)
	}
	sel.AndNot(rest)
	return nil
}

// within clears the rows of sel that did not start in [start, end).
func (f *filter) within(start, end uint64, b scan.Block, sel *scan.Bitmap) error {
	lo, hi := b.Bounds()
	if start <= lo && (end > hi || end == plan.All) {
		return nil
	}
	if hi > math.MaxInt64 || start > math.MaxInt64 {
		return f.withinByRow(start, end, b, sel)
	}
	field := scan.Field{Intrinsic: scan.IntrinsicStart}
	f.all = f.all[:0]
	if start > lo {
		f.all = append(f.all, scan.Predicate{Field: field, Op: scan.OpGreaterEqual, Value: telemetry.IntValue(int64(start))})
	}
	if end <= hi {
		f.all = append(f.all, scan.Predicate{Field: field, Op: scan.OpLess, Value: telemetry.IntValue(int64(end))})
	}
	for i := range f.all {
		if f.leaves != nil {
			f.all[i].Trail = f.leaves.of(timeBounds[f.all[i].Op == scan.OpLess], timeBoundTexts[f.all[i].Op == scan.OpLess])
		}
	}
	return f.apply(b, sel)
}

// withinByRow is for clocks beyond the year 2262, which a predicate's int
// cannot say.
func (f *filter) withinByRow(start, end uint64, b scan.Block, sel *scan.Bitmap) error {
	if err := b.Rows(0, b.Len(), scan.ColStart, &f.rows); err != nil {
		return err
	}
	for i, at := range f.rows.Start {
		if at < start || at >= end && end != plan.All {
			sel.Clear(i)
		}
	}
	return nil
}
