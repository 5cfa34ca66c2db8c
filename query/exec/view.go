package exec

import (
	"fmt"
	"math"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// view is a whole trace as the rows of its pieces, in the order of the
// pieces. Sets of spans are bitmaps over these rows. It belongs to one
// goroutine and is used for one trace.
type view struct {
	*run
	filter  *filter
	cache   *blockCache
	spans   *plan.Spans
	id      telemetry.TraceID
	summary *Summary // nil until asked for
	rows    []summaryRow
	pieces  []piece
	present scan.Bitmap // rows that are no copies of others and not outdated
	tree    *tree       // nil until asked for
	columns map[traceql.Field]*rowValues
}

// rowValues is a field of each row; a value of no row is empty.
type rowValues struct {
	values []telemetry.Value
	has    []bool
}

func newRowValues(n int) *rowValues {
	return &rowValues{values: make([]telemetry.Value, n), has: make([]bool, n)}
}

func (c *rowValues) set(i int, v telemetry.Value) { c.values[i], c.has[i] = v, true }

// holds is the rows of present for which n does.
func (v *view) holds(n plan.Node) (*scan.Bitmap, error) {
	out := &scan.Bitmap{}
	out.Reset(len(v.rows), false)
	out.CopyFrom(&v.present)
	return out, v.narrow(n, out)
}

// narrow clears the rows of sel for which n does not hold.
func (v *view) narrow(n plan.Node, sel *scan.Bitmap) error {
	if sel.Empty() {
		return nil
	}
	if !plan.HasTraceLeaves(n) {
		return v.narrowPieces(n, sel)
	}
	switch n := n.(type) {
	case *plan.TraceLeaf:
		return v.narrowTrace(n, sel)
	case *plan.Relation:
		return v.narrowRelation(n, sel)
	case plan.Not:
		held := &scan.Bitmap{}
		held.Reset(sel.Len(), false)
		held.CopyFrom(sel)
		if err := v.narrow(n.X, held); err != nil {
			return err
		}
		sel.AndNot(held)
		return nil
	case plan.And:
		for _, x := range n {
			if err := v.narrow(x, sel); err != nil {
				return err
			}
		}
		return nil
	case plan.Or:
		rest, held := &scan.Bitmap{}, &scan.Bitmap{}
		rest.Reset(sel.Len(), false)
		rest.CopyFrom(sel)
		held.Reset(sel.Len(), false)
		for _, x := range n {
			held.CopyFrom(rest)
			if err := v.narrow(x, held); err != nil {
				return err
			}
			rest.AndNot(held)
		}
		sel.AndNot(rest)
		return nil
	}
	return fmt.Errorf("filter trace: %T is no condition", n)
}

// narrowPieces asks the blocks, a run of pieces of one block at a time, or the
// cache.
func (v *view) narrowPieces(n plan.Node, sel *scan.Bitmap) error {
	in := v.filter.get()
	defer v.filter.put(in)
	first := 0 // row of the trace
	for pieces := v.pieces; len(pieces) > 0; {
		if p := pieces[0]; p.block == v.cache.block {
			held, err := v.cache.holds(n, v.filter)
			if err != nil {
				return err
			}
			for i := p.lo; i < p.hi; i++ {
				if !held.Get(i) {
					sel.Clear(first)
				}
				first++
			}
			pieces = pieces[1:]
			continue
		}
		block, same, rows := pieces[0].block, 0, 0
		in.Reset(block.Len(), false)
		for same < len(pieces) && pieces[same].block == block {
			for i := pieces[same].lo; i < pieces[same].hi; i++ {
				if sel.Get(first + rows) {
					in.Set(i)
				}
				rows++
			}
			same++
		}
		if err := v.filter.narrow(n, block, in); err != nil {
			return err
		}
		for _, p := range pieces[:same] {
			for i := p.lo; i < p.hi; i++ {
				if !in.Get(i) {
					sel.Clear(first)
				}
				first++
			}
		}
		pieces = pieces[same:]
	}
	return nil
}

func (v *view) narrowTrace(n *plan.TraceLeaf, sel *scan.Bitmap) error {
	if !n.Field.OfSpan() {
		if !n.Predicate.Holds(v.trace().field(n.Field)) {
			sel.ClearAll()
		}
		return nil
	}
	t := v.place()
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		if !n.Predicate.Holds(telemetry.IntValue(t.number(n.Field, i))) {
			sel.Clear(i)
		}
	}
	return nil
}

func (v *view) narrowRelation(n *plan.Relation, sel *scan.Bitmap) error {
	left, err := v.value(n.Left, n.Conditions)
	if err != nil {
		return err
	}
	right, err := v.value(n.Right, n.Conditions)
	if err != nil {
		return err
	}
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		if !relates(n.Op, left, right, i) {
			sel.Clear(i)
		}
	}
	return nil
}

// relates reports whether row i of two columns has values that compare so. A
// predicate takes arrays on its left only.
func relates(op scan.Op, left, right *rowValues, i int) bool {
	if !left.has[i] || !right.has[i] {
		return false
	}
	l, r := left.values[i], right.values[i]
	if r.Type() == telemetry.ValueArray {
		op, l, r = op.Flip(), r, l
	}
	p := scan.Predicate{Op: op, Value: r}
	return p.Holds(l)
}

// place is the trace's tree.
func (v *view) place() *tree {
	if v.tree == nil {
		v.tree = newTree(v.rows, &v.present)
	}
	return v.tree
}

// value is an expression for each row; with are the conditions in it.
func (v *view) value(x traceql.Value, with plan.Conditions) (*rowValues, error) {
	switch x := x.(type) {
	case *traceql.FieldRef:
		return v.column(x.Field)
	case *traceql.LiteralRef:
		out := newRowValues(len(v.rows))
		for i := range out.values {
			out.set(i, x.Literal.Value)
		}
		return out, nil
	case *traceql.Arith:
		left, err := v.value(x.Left, with)
		if err != nil {
			return nil, err
		}
		right, err := v.value(x.Right, with)
		if err != nil {
			return nil, err
		}
		return arithmetic(x.Op, left, right), nil
	case *traceql.Condition:
		held, err := v.holds(with[x])
		if err != nil {
			return nil, err
		}
		out := newRowValues(len(v.rows))
		for i := range out.values {
			out.set(i, telemetry.BoolValue(held.Get(i)))
		}
		return out, nil
	}
	return nil, fmt.Errorf("evaluate %T: unknown value", x)
}

// arithmetic applies op row by row.
func arithmetic(op traceql.ArithOp, left, right *rowValues) *rowValues {
	out := newRowValues(len(left.values))
	for i := range out.values {
		if left.has[i] && right.has[i] {
			if x, ok := op.Apply(left.values[i], right.values[i]); ok {
				out.set(i, x)
			}
		}
	}
	return out
}

// column is a field for each row.
func (v *view) column(f traceql.Field) (*rowValues, error) {
	if c := v.columns[f]; c != nil {
		return c, nil
	}
	out := newRowValues(len(v.rows))
	switch {
	case f.Trace.OfSpan():
		t := v.place()
		for i := range out.values {
			out.set(i, telemetry.IntValue(t.number(f.Trace, i)))
		}
	case f.Trace != traceql.TraceNone:
		if f.Trace == traceql.TraceRootService && v.trace().RootService == "" {
			break
		}
		for i := range out.values {
			out.set(i, v.trace().field(f.Trace))
		}
	default:
		at := 0
		for _, p := range v.pieces {
			n := p.hi - p.lo
			part := rowValues{out.values[at : at+n], out.has[at : at+n]}
			if err := readColumn(p.block, f.Field, p.lo, p.hi, v.filter, nil, &part); err != nil {
				return nil, err
			}
			at += n
		}
	}
	if v.columns == nil {
		v.columns = map[traceql.Field]*rowValues{}
	}
	v.columns[f] = out
	return out, nil
}

// readColumn fills out with a field of rows [lo, hi) of a block, at least of
// those in wanted; nil wants all. Of events and links, the first that has the
// field counts.
func readColumn(b scan.Block, f scan.Field, lo, hi int, with *filter, wanted *scan.Bitmap, out *rowValues) error {
	if ofList(f) {
		return readList(b, f, lo, hi, wanted, out)
	}
	if !coded(f) {
		return readRows(b, f.Intrinsic, lo, hi, &with.rows, out)
	}
	codes := &with.codes
	codes.Reset()
	if err := b.Codes(f, lo, hi, codes); err != nil {
		return err
	}
	for i, c := range codes.Rows {
		if c > 0 && !absent(f, codes.Dict[c-1]) {
			out.set(i, codes.Dict[c-1])
		}
	}
	return nil
}

// readRows is readColumn for what has no codes: times and ids.
func readRows(b scan.Block, f scan.Intrinsic, lo, hi int, rows *scan.Rows, out *rowValues) error {
	want := map[scan.Intrinsic]scan.Columns{
		scan.IntrinsicDuration: scan.ColDuration, scan.IntrinsicStart: scan.ColStart,
		scan.IntrinsicTraceID: scan.ColTraceID, scan.IntrinsicSpanID: scan.ColSpanID, scan.IntrinsicParentID: scan.ColParentID,
	}[f]
	if err := b.Rows(lo, hi, want, rows); err != nil {
		return err
	}
	for i, n := range rows.Duration {
		out.set(i, telemetry.IntValue(int64(min(n, math.MaxInt64))))
	}
	for i, n := range rows.Start {
		out.set(i, telemetry.IntValue(int64(min(n, math.MaxInt64))))
	}
	for i := range rows.TraceID {
		out.set(i, telemetry.BytesValue(string(rows.TraceID[i][:])))
	}
	for i := range rows.SpanID {
		out.set(i, telemetry.BytesValue(string(rows.SpanID[i][:])))
	}
	for i := range rows.ParentID {
		if !rows.ParentID[i].IsZero() {
			out.set(i, telemetry.BytesValue(string(rows.ParentID[i][:])))
		}
	}
	return nil
}

// absent reports whether a value that every span has stands for none. An
// event's name is there, if the event is.
func absent(f scan.Field, v telemetry.Value) bool {
	if f.Scope != scan.ScopeIntrinsic || f.Intrinsic == scan.IntrinsicName || f.Intrinsic == scan.IntrinsicEventName {
		return false
	}
	return v.Type() == telemetry.ValueString && v.Str() == ""
}
