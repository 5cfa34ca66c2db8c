package exec

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// tree is the places of a trace's rows. Rows that are copies have none.
type tree struct {
	parent      []int32     // row, or -1
	cut         scan.Bitmap // rows without a parent because they were in a circle
	order       []int32     // rows, parents first, siblings by start
	children    []int32
	left, right []int64 // nested set, from 1
	rows        []summaryRow
}

func newTree(rows []summaryRow, present *scan.Bitmap) *tree {
	t := &tree{rows: rows, children: make([]int32, len(rows)), left: make([]int64, len(rows)), right: make([]int64, len(rows))}
	byStart := make([]int32, 0, len(rows))
	for i := present.Next(0); i >= 0; i = present.Next(i + 1) {
		byStart = append(byStart, int32(i))
	}
	slices.SortFunc(byStart, func(i, j int32) int { return compareRows(&rows[i], &rows[j]) })
	t.parent = parents(len(rows), byStart, func(i int32) link { return link{rows[i].id, rows[i].parent, rows[i].kind} })
	t.order = make([]int32, 0, len(byStart))
	number := int64(0)
	t.cut.Reset(len(rows), false)
	cut := walk(byStart, t.parent, func(i int32) {
		number++
		t.left[i] = number
		t.order = append(t.order, i)
	}, func(i int32) {
		number++
		t.right[i] = number
	})
	for _, i := range cut {
		t.cut.Set(int(i))
	}
	for _, p := range t.parent { // which walk has cut circles of
		if p >= 0 {
			t.children[p]++
		}
	}
	return t
}

// compareRows orders the spans of a trace: siblings as compareSpans does, as
// far as rows tell.
func compareRows(a, b *summaryRow) int {
	if c := cmp.Compare(a.start, b.start); c != 0 {
		return c
	}
	return cmp.Or(
		bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name),
		cmp.Compare(a.duration, b.duration), bytes.Compare(a.parent[:], b.parent[:]), cmp.Compare(a.status, b.status), cmp.Compare(a.service, b.service),
		cmp.Compare(a.twin, b.twin),
	)
}

// number is a field of the place of row i.
func (t *tree) number(f traceql.TraceField, i int) int64 {
	switch f {
	case traceql.SpanChildCount:
		return int64(t.children[i])
	case traceql.SpanNestedLeft:
		return t.left[i]
	case traceql.SpanNestedRight:
		return t.right[i]
	}
	if p := t.parent[i]; p >= 0 {
		return t.left[p]
	}
	return -1
}

// related is the rows of right that stand in the relation to one of left, or
// with swap those of left that right does so for.
func (t *tree) related(relation traceql.SetOp, left, right *scan.Bitmap, swap bool) *scan.Bitmap {
	if swap {
		left, right = right, left
		relation = converse(relation)
	}
	out := &scan.Bitmap{}
	out.Reset(len(t.rows), false)
	switch relation {
	case traceql.SetChild:
		for i := right.Next(0); i >= 0; i = right.Next(i + 1) {
			if p := t.parent[i]; p >= 0 && left.Get(int(p)) {
				out.Set(i)
			}
		}
	case traceql.SetParent:
		for i := left.Next(0); i >= 0; i = left.Next(i + 1) {
			if p := t.parent[i]; p >= 0 {
				out.Set(int(p))
			}
		}
	case traceql.SetDescendant:
		for _, i := range t.order { // parents first
			if p := t.parent[i]; p >= 0 && (left.Get(int(p)) || out.Get(int(p))) {
				out.Set(int(i))
			}
		}
	case traceql.SetAncestor:
		for _, i := range slices.Backward(t.order) { // children first
			if p := t.parent[i]; p >= 0 && (left.Get(int(i)) || out.Get(int(i))) {
				out.Set(int(p))
			}
		}
	case traceql.SetSibling:
		t.siblings(left, out)
	}
	out.And(right)
	return out
}

// converse is the relation seen from the other side.
func converse(relation traceql.SetOp) traceql.SetOp {
	switch relation {
	case traceql.SetChild:
		return traceql.SetParent
	case traceql.SetParent:
		return traceql.SetChild
	case traceql.SetDescendant:
		return traceql.SetAncestor
	case traceql.SetAncestor:
		return traceql.SetDescendant
	}
	return relation
}

// siblings sets the rows that have another row of left with the same parent.
// Spans whose common parent is missing are siblings too.
func (t *tree) siblings(left, out *scan.Bitmap) {
	type family struct {
		row int32
		id  telemetry.SpanID
	}
	of := func(i int) (family, bool) {
		if p := t.parent[i]; p >= 0 {
			return family{row: p}, true
		}
		r := &t.rows[i]
		return family{-1, r.parent}, !r.parent.IsZero() && r.parent != r.id && !t.cut.Get(i)
	}
	members := map[family]int{}
	for i := left.Next(0); i >= 0; i = left.Next(i + 1) {
		if f, ok := of(i); ok {
			members[f]++
		}
	}
	for _, i := range t.order {
		f, ok := of(int(i))
		n := members[f]
		if left.Get(int(i)) {
			n--
		}
		if ok && n > 0 {
			out.Set(int(i))
		}
	}
}
