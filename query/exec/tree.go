package exec

import (
	"bytes"
	"cmp"
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
	parent := parents(spans, byStart)
	// Children as linked lists, latest first, so that a stack of them pops
	// the earliest first.
	firstChild, nextSibling := filled(len(spans), -1), filled(len(spans), -1)
	for _, i := range byStart {
		if p := parent[i]; p >= 0 {
			nextSibling[i], firstChild[p] = firstChild[p], i
		}
	}
	place := filled(len(spans), -1) // of each old index
	order := make([]telemetry.Span, 0, len(spans))
	t.Parent = make([]int32, 0, len(spans))
	var stack []int32
	walk := func(root int32) {
		for stack = append(stack, root); len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if place[i] >= 0 {
				continue
			}
			place[i] = int32(len(order))
			order = append(order, spans[i])
			above := int32(-1)
			if parent[i] >= 0 {
				above = place[parent[i]]
			}
			t.Parent = append(t.Parent, above)
			for c := firstChild[i]; c >= 0; c = nextSibling[c] {
				stack = append(stack, c)
			}
		}
	}
	for _, i := range byStart {
		if parent[i] < 0 {
			walk(i)
		}
	}
	for _, i := range byStart { // what is left hangs in circles
		if place[i] < 0 {
			walk(i)
		}
	}
	t.Batch.Spans = order
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
	return cmp.Or(
		cmp.Compare(a.Start, b.Start), bytes.Compare(a.SpanID[:], b.SpanID[:]),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.End, b.End),
		bytes.Compare(a.ParentID[:], b.ParentID[:]), cmp.Compare(a.Status, b.Status), cmp.Compare(a.StatusMessage, b.StatusMessage),
	)
}

// parents finds each span's parent, -1 for none. Where client and server
// share a span ID, as with Zipkin, the server's span hangs below the client's
// and what names the ID as its parent below the server's. Of other spans that
// share an ID the first by start is the parent.
func parents(spans []telemetry.Span, byStart []int32) []int32 {
	caller := make(map[telemetry.SpanID]int32, len(spans)) // the client's span, or the only one
	callee := map[telemetry.SpanID]int32{}                 // the server's, where there are two
	for _, i := range byStart {
		id := spans[i].SpanID
		first, ok := caller[id]
		_, both := callee[id]
		switch {
		case !ok:
			caller[id] = i
		case both:
		case spans[i].Kind == telemetry.KindServer && spans[first].Kind == telemetry.KindClient:
			callee[id] = i
		case spans[i].Kind == telemetry.KindClient && spans[first].Kind == telemetry.KindServer:
			caller[id], callee[id] = i, first
		}
	}
	out := make([]int32, len(spans))
	for i := range spans {
		s := &spans[i]
		out[i] = -1
		if at, ok := callee[s.SpanID]; ok && at == int32(i) {
			out[i] = caller[s.SpanID]
			continue
		}
		if s.ParentID.IsZero() || s.ParentID == s.SpanID {
			continue
		}
		if at, ok := callee[s.ParentID]; ok {
			out[i] = at
		} else if at, ok := caller[s.ParentID]; ok {
			out[i] = at
		}
	}
	return out
}
