package segment

import (
	"cmp"
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// orderer puts the spans of a trace in the order of rows: a parent before
// its children, siblings by start, each span followed by its descendants.
// Spans whose ancestors form a cycle follow at the end, in order of start.
// Its slices are reused from trace to trace.
type orderer struct {
	sorted  []uint32 // positions in rows, by start
	first   []int32  // first child of a position, -1 if none
	next    []int32  // next sibling
	parent  []int32  // position of the parent, -1 if none
	placed  []int32  // row of a position, -1 while it has none
	stack   []int32
	byID    map[telemetry.SpanID]int32
	order   []uint32 // rows in order; the result
	parents []uint32 // kindParent's code of each element of order
}

func (o *orderer) run(b *telemetry.Batch, rows []uint32) {
	n := len(rows)
	o.sorted, o.order, o.parents = o.sorted[:0], o.order[:0], o.parents[:0]
	o.first, o.next = fill(o.first, n, -1), fill(o.next, n, -1)
	o.parent, o.placed = fill(o.parent, n, -1), fill(o.placed, n, -1)
	if o.byID == nil {
		o.byID = make(map[telemetry.SpanID]int32)
	}
	clear(o.byID)
	for i := range rows {
		o.sorted = append(o.sorted, uint32(i))
	}
	slices.SortFunc(o.sorted, func(x, y uint32) int {
		s, t := &b.Spans[rows[x]], &b.Spans[rows[y]]
		if c := cmp.Compare(s.Start, t.Start); c != 0 {
			return c
		}
		if c := slices.Compare(s.SpanID[:], t.SpanID[:]); c != 0 {
			return c
		}
		return cmp.Compare(x, y)
	})
	for i := n - 1; i >= 0; i-- { // so that of equal ids the earliest stays
		at := o.sorted[i]
		o.byID[b.Spans[rows[at]].SpanID] = int32(at)
	}
	for i := n - 1; i >= 0; i-- { // so that lists of siblings run by start
		at := int32(o.sorted[i])
		id := b.Spans[rows[at]].ParentID
		if id.IsZero() {
			continue
		}
		if p, ok := o.byID[id]; ok && p != at {
			o.parent[at] = p
			o.next[at] = o.first[p]
			o.first[p] = at
		}
	}
	for _, at := range o.sorted {
		if o.parent[at] < 0 {
			o.walk(b, rows, int32(at))
		}
	}
	for _, at := range o.sorted {
		o.walk(b, rows, int32(at))
	}
}

// walk places a span and its descendants, but those that are placed.
func (o *orderer) walk(b *telemetry.Batch, rows []uint32, root int32) {
	o.stack = append(o.stack[:0], root)
	for len(o.stack) > 0 {
		at := o.stack[len(o.stack)-1]
		o.stack = o.stack[:len(o.stack)-1]
		// A root's siblings are roots and start walks of their own.
		if at != root && o.next[at] >= 0 {
			o.stack = append(o.stack, o.next[at])
		}
		if o.placed[at] >= 0 {
			continue
		}
		o.place(b, rows, at)
		if o.first[at] >= 0 {
			o.stack = append(o.stack, o.first[at])
		}
	}
}

func (o *orderer) place(b *telemetry.Batch, rows []uint32, at int32) {
	row := int32(len(o.order))
	o.placed[at] = row
	o.order = append(o.order, rows[at])
	code := uint32(0)
	if p := o.parent[at]; p >= 0 && o.placed[p] >= 0 {
		code = uint32(row-o.placed[p]) + 1
	} else if !b.Spans[rows[at]].ParentID.IsZero() {
		code = 1
	}
	o.parents = append(o.parents, code)
}

func fill(s []int32, n int, v int32) []int32 {
	s = slices.Grow(s[:0], n)[:n]
	for i := range s {
		s[i] = v
	}
	return s
}
