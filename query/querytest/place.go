package querytest

import (
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// findParents finds each span's parent: the span that has the ID it names.
//
// Where several have it, the earliest of them is the parent; but if that one
// is the client or the server of a call, and another is its counterpart (as
// with Zipkin both have one ID), the server is the parent, and the client is
// the server's. A span that names itself has none. Of spans that are each
// other's ancestors the earliest has none: it is cut loose.
func (t *trace) findParents() {
	t.parent, t.cut = make([]int, len(t.spans)), make([]bool, len(t.spans))
	for i, s := range t.spans {
		client, server := t.named(s.SpanID)
		if server == i && client != server {
			t.parent[i] = client
			continue
		}
		t.parent[i] = -1
		if !s.ParentID.IsZero() && s.ParentID != s.SpanID {
			_, t.parent[i] = t.named(s.ParentID)
		}
	}
	for i := range t.spans {
		if slices.Contains(t.ancestors(i), i) {
			t.parent[i], t.cut[i] = -1, true
		}
	}
}

// named is the two sides of a call that have the ID; both are the same where
// there is no call, and -1 where no span has it.
func (t *trace) named(id telemetry.SpanID) (client, server int) {
	first := func(is func(s *telemetry.Span) bool) int {
		return slices.IndexFunc(t.spans, func(s *telemetry.Span) bool { return s.SpanID == id && is(s) })
	}
	at := first(func(*telemetry.Span) bool { return true })
	if at < 0 {
		return at, at
	}
	switch t.spans[at].Kind {
	case telemetry.KindClient:
		if server := first(func(s *telemetry.Span) bool { return s.Kind == telemetry.KindServer }); server >= 0 {
			return at, server
		}
	case telemetry.KindServer:
		if client := first(func(s *telemetry.Span) bool { return s.Kind == telemetry.KindClient }); client >= 0 {
			return client, at
		}
	}
	return at, at
}

// ancestors is the parent of span i, its parent and so on; i itself is the
// last of them where it is in a circle.
func (t *trace) ancestors(i int) (out []int) {
	for p := t.parent[i]; p >= 0 && !slices.Contains(out, p); p = t.parent[p] {
		out = append(out, p)
	}
	return out
}

// number walks the trace: spans without a parent first, then those cut loose,
// children by their order.
func (t *trace) number() {
	t.left, t.right = make([]int, len(t.spans)), make([]int, len(t.spans))
	n := 0
	var visit func(i int)
	visit = func(i int) {
		n++
		t.left[i] = n
		for c, p := range t.parent {
			if p == i {
				visit(c)
			}
		}
		n++
		t.right[i] = n
	}
	for _, cut := range []bool{false, true} {
		for i, p := range t.parent {
			if p < 0 && t.cut[i] == cut {
				visit(i)
			}
		}
	}
}

// placeOf is a field of the place of span i.
func (t *trace) placeOf(i int, f traceql.TraceField) int {
	switch f {
	case traceql.SpanNestedLeft:
		return t.left[i]
	case traceql.SpanNestedRight:
		return t.right[i]
	case traceql.SpanNestedParent:
		if t.parent[i] < 0 {
			return -1
		}
		return t.left[t.parent[i]]
	}
	n := 0 // SpanChildCount
	for _, p := range t.parent {
		if p == i {
			n++
		}
	}
	return n
}

// related reports whether span r stands in the relation to span l.
func (t *trace) related(relation traceql.SetOp, l, r int) bool {
	switch relation {
	case traceql.SetChild:
		return t.parent[r] == l
	case traceql.SetParent:
		return t.parent[l] == r
	case traceql.SetDescendant:
		return slices.Contains(t.ancestors(r), l)
	case traceql.SetAncestor:
		return slices.Contains(t.ancestors(l), r)
	}
	return l != r && t.siblings(l, r)
}

// siblings reports whether two spans have one parent, be it one that is not in
// the trace.
func (t *trace) siblings(x, y int) bool {
	if t.parent[x] >= 0 || t.parent[y] >= 0 {
		return t.parent[x] == t.parent[y]
	}
	missing := func(i int) bool {
		s := t.spans[i]
		return !t.cut[i] && !s.ParentID.IsZero() && s.ParentID != s.SpanID
	}
	return missing(x) && missing(y) && t.spans[x].ParentID == t.spans[y].ParentID
}
