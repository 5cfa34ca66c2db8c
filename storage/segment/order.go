package segment

import (
	"cmp"
	"encoding/binary"
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
	keys    []orderKey
	byID    numberTable
	order   []uint32 // rows in order; the result
	parents []uint32 // kindParent's code of each element of order
}

func (o *orderer) run(b *telemetry.Batch, rows []uint32) {
	n := len(rows)
	o.sorted, o.order, o.parents = o.sorted[:0], o.order[:0], o.parents[:0]
	o.first, o.next = fill(o.first, n, -1), fill(o.next, n, -1)
	o.parent, o.placed = fill(o.parent, n, -1), fill(o.placed, n, -1)
	o.sort(b, rows)
	for i := n - 1; i >= 0 && n > fewSpans; i-- { // so that of equal ids the earliest stays
		o.byID.set(o.keys[i].id, o.keys[i].at)
	}
	for i := n - 1; i >= 0; i-- { // so that lists of siblings run by start
		at := int32(o.sorted[i])
		id := b.Spans[rows[at]].ParentID
		if id.IsZero() {
			continue
		}
		if p := o.find(binary.BigEndian.Uint64(id[:])); p >= 0 && p != at {
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

// orderKey is what spans are sorted by: start, ID and position in rows.
type orderKey struct {
	start, id uint64
	at        uint32
}

// fewSpans is up to which size of a trace its ids are searched one by one.
const fewSpans = 24

func (o *orderer) sort(b *telemetry.Batch, rows []uint32) {
	o.keys = o.keys[:0]
	for i, r := range rows {
		s := &b.Spans[r]
		o.keys = append(o.keys, orderKey{s.Start, binary.BigEndian.Uint64(s.SpanID[:]), uint32(i)})
	}
	slices.SortFunc(o.keys, func(x, y orderKey) int {
		switch {
		case x.start != y.start:
			return cmp.Compare(x.start, y.start)
		case x.id != y.id:
			return cmp.Compare(x.id, y.id)
		}
		return cmp.Compare(x.at, y.at)
	})
	for _, k := range o.keys {
		o.sorted = append(o.sorted, k.at)
	}
	if len(rows) > fewSpans {
		o.byID.reset()
	}
}

// find is the position of the earliest span with an id, or -1.
func (o *orderer) find(id uint64) int32 {
	if len(o.keys) > fewSpans {
		if at, ok := o.byID.get(id); ok {
			return int32(at)
		}
		return -1
	}
	for i := range o.keys {
		if o.keys[i].id == id {
			return int32(o.keys[i].at)
		}
	}
	return -1
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
