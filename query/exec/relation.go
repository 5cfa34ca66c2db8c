package exec

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// relation narrows by a comparison of two values of each span, a run of rows
// at a time.
func (f *filter) relation(n *plan.Relation, b scan.Block, sel *scan.Bitmap) error {
	if f.leaves != nil {
		t := f.leaves.of(n, n.String())
		t.Look(sel)
		defer func() { t.Kept.Add(uint64(sel.Count())) }()
	}
	for lo := 0; lo < b.Len(); lo += runRows {
		hi := min(lo+runRows, b.Len())
		first := sel.Next(lo)
		if first < 0 {
			return nil
		}
		if first >= hi {
			continue
		}
		if err := f.stopped(); err != nil {
			return err
		}
		left, err := f.value(n.Left, n.Conditions, b, lo, hi, sel)
		if err != nil {
			return err
		}
		right, err := f.value(n.Right, n.Conditions, b, lo, hi, sel)
		if err != nil {
			return err
		}
		for i := first; i >= 0 && i < hi; i = sel.Next(i + 1) {
			if !relates(n.Op, left, right, i-lo) {
				sel.Clear(i)
			}
		}
	}
	return nil
}

// value is an expression, which asks nothing about the trace, for rows
// [lo, hi), at least for those in wanted; nil wants all. with are the
// conditions in it.
func (f *filter) value(x traceql.Value, with plan.Conditions, b scan.Block, lo, hi int, wanted *scan.Bitmap) (*rowValues, error) {
	out := newRowValues(hi - lo)
	switch x := x.(type) {
	case *traceql.FieldRef:
		return out, readColumn(b, x.Field.Field, lo, hi, f, wanted, out)
	case *traceql.LiteralRef:
		for i := range out.values {
			out.set(i, x.Literal.Value)
		}
		return out, nil
	case *traceql.Arith:
		left, err := f.value(x.Left, with, b, lo, hi, wanted)
		if err != nil {
			return nil, err
		}
		right, err := f.value(x.Right, with, b, lo, hi, wanted)
		if err != nil {
			return nil, err
		}
		return arithmetic(x.Op, left, right), nil
	case *traceql.Condition:
		sel := f.get()
		defer f.put(sel)
		sel.Reset(b.Len(), false)
		for i := lo; i < hi; i++ {
			sel.Set(i)
		}
		if err := f.narrow(with[x], b, sel); err != nil {
			return nil, err
		}
		for i := range out.values {
			out.set(i, telemetry.BoolValue(sel.Get(lo+i)))
		}
		return out, nil
	}
	return nil, fmt.Errorf("evaluate %T: unknown value", x)
}
