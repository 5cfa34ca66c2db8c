package exec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// arrange puts the spans parents first, siblings by start, and fills Parent.
// Spans in a circle of parents are cut loose at the earliest of them.
func (t *Trace) arrange() {
	spans := t.Batch.Spans
	byStart := make([]int32, len(spans))
	for i := range byStart {
		byStart[i] = int32(i)
	}
	slices.SortFunc(byStart, func(i, j int32) int { return compareSpans(&spans[i], &spans[j]) })
	parent := parents(len(spans), byStart, func(i int32) link { return link{spans[i].SpanID, spans[i].ParentID, spans[i].Kind} })
	place := filled(len(spans), -1) // of each old index
	order := make([]telemetry.Span, 0, len(spans))
	t.Parent = make([]int32, 0, len(spans))
	walk(byStart, parent, func(i int32) {
		place[i] = int32(len(order))
		order = append(order, spans[i])
		above := int32(-1)
		if parent[i] >= 0 {
			above = place[parent[i]]
		}
		t.Parent = append(t.Parent, above)
	}, func(int32) {})
	t.Batch.Spans = order
}

// walk enters and leaves every span, parents around their children and
// siblings by start; circles of parents come last. It returns the spans that
// it cut from their parents therefore.
func walk(byStart, parent []int32, enter, leave func(int32)) (cut []int32) {
	// Children as linked lists, latest first, so that a stack of them pops
	// the earliest first.
	firstChild, nextSibling := filled(len(parent), -1), filled(len(parent), -1)
	for _, i := range byStart {
		if p := parent[i]; p >= 0 {
			nextSibling[i], firstChild[p] = firstChild[p], i
		}
	}
	entered := make([]bool, len(parent))
	var stack []int32 // spans to enter, and as their complement those to leave
	from := func(root int32) {
		for stack = append(stack, root); len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if i < 0 {
				leave(^i)
				continue
			}
			if entered[i] {
				continue
			}
			entered[i] = true
			enter(i)
			stack = append(stack, ^i)
			for c := firstChild[i]; c >= 0; c = nextSibling[c] {
				stack = append(stack, c)
			}
		}
	}
	for _, i := range byStart {
		if parent[i] < 0 {
			from(i)
		}
	}
	left := slices.DeleteFunc(slices.Clone(byStart), func(i int32) bool { return entered[i] })
	cut = cutCircles(left, parent)
	for _, i := range cut {
		from(i)
	}
	return cut
}

// cutCircles takes its parent from the earliest span of every circle, and
// returns these spans by start. byStart is what is in circles or hangs on them.
func cutCircles(byStart, parent []int32) (cut []int32) {
	if len(byStart) == 0 {
		return nil
	}
	rank, came := make([]int32, len(parent)), make([]int32, len(parent)) // came: on which way, from 1
	for k, i := range byStart {
		rank[i] = int32(k)
	}
	for k, i := range byStart {
		way := int32(k + 1)
		for i >= 0 && came[i] == 0 {
			came[i] = way
			i = parent[i]
		}
		if i < 0 || came[i] != way {
			continue
		}
		first := i
		for x := parent[i]; x != i; x = parent[x] {
			if rank[x] < rank[first] {
				first = x
			}
		}
		parent[first] = -1
		cut = append(cut, first)
	}
	slices.SortFunc(cut, func(i, j int32) int { return cmp.Compare(rank[i], rank[j]) })
	return cut
}

func filled(n int, v int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// compareSpans orders siblings; what comes after the start makes the order
// independent of where spans are stored.
func compareSpans(a, b *telemetry.Span) int {
	if c := cmp.Compare(a.Start, b.Start); c != 0 {
		return c
	}
	return cmp.Or(
		bytes.Compare(a.SpanID[:], b.SpanID[:]),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.End, b.End),
		bytes.Compare(a.ParentID[:], b.ParentID[:]), cmp.Compare(a.Status, b.Status), cmp.Compare(a.StatusMessage, b.StatusMessage),
	)
}

// link is what of a span tells its parent.
type link struct {
	id, parent telemetry.SpanID
	kind       telemetry.Kind
}

// parents finds each span's parent among those of byStart, -1 for none. Where
// client and server share a span ID, as with Zipkin, the server's span hangs
// below the client's and what names the ID as its parent below the server's.
// Of other spans that share an ID the first by start is the parent.
func parents(n int, byStart []int32, at func(int32) link) []int32 {
	if len(byStart) <= fewSpans {
		if out, ok := parentsOfFew(n, byStart, at); ok {
			return out
		}
	}
	// Maps of numbers are twice as fast as those of arrays.
	number := func(id telemetry.SpanID) uint64 { return binary.LittleEndian.Uint64(id[:]) }
	caller := make(map[uint64]int32, n) // the client's span, or the only one
	callee := map[uint64]int32{}        // the server's, where there are two
	for _, i := range byStart {
		s := at(i)
		id := number(s.id)
		first, ok := caller[id]
		_, both := callee[id]
		switch {
		case !ok:
			caller[id] = i
		case both:
		case s.kind == telemetry.KindServer && at(first).kind == telemetry.KindClient:
			callee[id] = i
		case s.kind == telemetry.KindClient && at(first).kind == telemetry.KindServer:
			caller[id], callee[id] = i, first
		}
	}
	out := filled(n, -1)
	for _, i := range byStart {
		s := at(i)
		if x, ok := callee[number(s.id)]; ok && x == i {
			out[i] = caller[number(s.id)]
			continue
		}
		if s.parent.IsZero() || s.parent == s.id {
			continue
		}
		if x, ok := callee[number(s.parent)]; ok {
			out[i] = x
		} else if x, ok := caller[number(s.parent)]; ok {
			out[i] = x
		}
	}
	return out
}

// fewSpans are compared with each other in less time than a map of them takes.
const fewSpans = 32

// parentsOfFew is parents where all span IDs differ; ok is false where they do
// not.
func parentsOfFew(n int, byStart []int32, at func(int32) link) (out []int32, ok bool) {
	var links [fewSpans]link
	for k, i := range byStart {
		links[k] = at(i)
	}
	out = filled(n, -1)
	for k, i := range byStart {
		s := &links[k]
		root := s.parent.IsZero() || s.parent == s.id
		for j := range links[:len(byStart)] {
			other := &links[j]
			if other.id == s.id && j != k {
				return nil, false
			}
			if !root && other.id == s.parent {
				out[i] = byStart[j]
			}
		}
	}
	return out, true
}
