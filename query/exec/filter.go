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
	stop <-chan struct{} // see scan.Predicate
	free []*scan.Bitmap
	rows scan.Rows
	leaf scan.Predicate // the one at hand
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

// narrow clears the rows of sel for which n does not hold. n has no
// [plan.TraceLeaf].
func (f *filter) narrow(n plan.Node, b scan.Block, sel *scan.Bitmap) error {
	switch n := n.(type) {
	case plan.Constant:
		if !n {
			sel.ClearAll()
		}
		return nil
	case *plan.Leaf:
		return f.apply(n.Predicate, b, sel)
	case plan.And:
		for _, x := range n {
			if sel.Empty() {
				return nil
			}
			if err := f.narrow(x, b, sel); err != nil {
				return err
			}
		}
		return nil
	case plan.Not:
		return f.complement(n.X, b, sel)
	case plan.Or:
		return f.union(n, b, sel)
	}
	return fmt.Errorf("filter rows: %T is not about a span", n)
}

// apply narrows by p unless nobody waits for it.
func (f *filter) apply(p scan.Predicate, b scan.Block, sel *scan.Bitmap) error {
	f.leaf = p
	f.leaf.Stop = f.stop
	if err := f.leaf.Stopped(); err != nil {
		return err
	}
	return b.Narrow(&f.leaf, sel)
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
	if start > lo {
		p := scan.Predicate{Field: field, Op: scan.OpGreaterEqual, Value: telemetry.IntValue(int64(start))}
		if err := f.apply(p, b, sel); err != nil {
			return err
		}
	}
	if end > hi {
		return nil
	}
	p := scan.Predicate{Field: field, Op: scan.OpLess, Value: telemetry.IntValue(int64(end))}
	return f.apply(p, b, sel)
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
