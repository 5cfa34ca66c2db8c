// Package plan turns a parsed query into what the operators of package exec
// run: a boolean tree over [scan.Predicate], in negation normal form, without
// constants inside, with the cheapest conjuncts first.
//
// Negation is the complement of a set of spans, so it stays a node over its
// leaf: "!(.a = 1)" holds where .a is missing or of another type, and on
// events where no event has it, which no comparison of the other operator
// says. "x = nil" is planned as the complement of "x != nil" likewise.
package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Node is a boolean expression about one span: a [Constant], [And], [Or],
// [Not], [Leaf], [TraceLeaf] or [Relation]. Nodes are immutable.
type Node interface {
	explain(w *strings.Builder, indent int)
}

// Constant holds for every span or for none; it occurs only as a root.
type Constant bool

// And holds where all its two or more nodes hold, the cheapest first.
type And []Node

// Or holds where one of its two or more nodes holds, the cheapest first.
type Or []Node

// Not holds where its Leaf, TraceLeaf or Relation does not.
type Not struct{ X Node }

// Leaf compares a field of the span.
type Leaf struct {
	Predicate scan.Predicate
	text      string
}

// String is the comparison as a query spells it.
func (n *Leaf) String() string { return n.text }

// TraceLeaf compares a field of the whole trace, or one of the span's place
// in it; Predicate.Holds decides it, its Field is not set.
type TraceLeaf struct {
	Field     traceql.TraceField
	Predicate scan.Predicate
	text      string
}

// Relation compares two values that a span has.
type Relation struct {
	*traceql.Relation
	// OfTrace says that a value depends on the whole trace.
	OfTrace    bool
	Conditions Conditions // that stand for values
	text       string
}

// String is the comparison as a query spells it.
func (r *Relation) String() string { return r.text }

// Conditions are the conditions that stand for values, planned.
type Conditions map[*traceql.Condition]Node

// add plans those of v.
func (c Conditions) add(v traceql.Value) {
	switch v := v.(type) {
	case *traceql.Condition:
		c[v] = Filter(v.Expr)
	case *traceql.Arith:
		c.add(v.Left)
		c.add(v.Right)
	}
}

// Cursor is the place in the order of results that a page starts after.
type Cursor struct {
	Start uint64 // of the page before's last trace
	ID    telemetry.TraceID
}

// Search is a plan to find traces: those with a span that started within
// [Start, End) and satisfies Filter, newest first, at most Limit. Where Spans
// is set it decides instead, and Filter is Spans.Candidate.
type Search struct {
	Filter     Node
	Spans      *Spans
	Start, End uint64 // Unix nanoseconds
	Limit      int    // at least 1
	After      *Cursor
	// SetSpans is how many spans of each spanset the answer tells, with the
	// values of Fields; 0: no spansets.
	SetSpans int
	Fields   []traceql.Field
}

// All is a range of time without bounds.
const All = math.MaxUint64

// Filter plans a condition; nil is that of every span.
func Filter(cond traceql.Expr) Node {
	if cond == nil {
		return Constant(true)
	}
	return build(cond, false)
}

// build plans e, or its negation.
func build(e traceql.Expr, negated bool) Node {
	switch e := e.(type) {
	case *traceql.Constant:
		return Constant(e.Value != negated)
	case *traceql.Not:
		return build(e.X, !negated)
	case *traceql.Binary:
		left, right := build(e.Left, negated), build(e.Right, negated)
		if (e.Op == traceql.And) != negated {
			return conjunction(left, right)
		}
		return disjunction(left, right)
	case *traceql.Comparison:
		return leaf(e, negated)
	case *traceql.Relation:
		return relation(e, negated)
	}
	panic(fmt.Sprintf("plan: unknown expression %T", e))
}

// leaf plans a comparison. Text fields that every span has are nil where they
// are empty, a parent where it is zero.
func leaf(e *traceql.Comparison, negated bool) Node {
	p := scan.Predicate{Field: e.Field.Field, Op: e.Op}
	switch e.Op {
	case scan.OpMatch, scan.OpNotMatch:
		p.Regex = e.Regex()
	case scan.OpExists, scan.OpAbsent:
		negated = negated != (e.Op == scan.OpAbsent)
		p.Op = scan.OpExists
		if empty, ok := emptyValue(e.Field); ok {
			p.Op, p.Value = scan.OpEqual, empty
			negated = !negated
		}
	default:
		p.Value = e.Value()
	}
	text := spell(&traceql.Comparison{Field: e.Field, Op: shownOp(e, p), Literal: e.Literal})
	var n Node = &Leaf{Predicate: p, text: text}
	if e.Field.Trace != traceql.TraceNone {
		n = &TraceLeaf{Field: e.Field.Trace, Predicate: p, text: text}
	}
	if negated {
		return Not{n}
	}
	return n
}

// spell is an expression as a query spells it.
func spell(e traceql.Expr) string {
	return strings.TrimSuffix(strings.TrimPrefix(traceql.FilterQuery(e).String(), "{ "), " }")
}

func relation(e *traceql.Relation, negated bool) Node {
	r := &Relation{Relation: e, text: spell(e), Conditions: Conditions{}}
	r.Conditions.add(e.Left)
	r.Conditions.add(e.Right)
	traceql.Walk(e, func(f traceql.Field) { r.OfTrace = r.OfTrace || f.Trace != traceql.TraceNone })
	if negated {
		return Not{r}
	}
	return r
}

// shownOp is the operator that the leaf is explained with.
func shownOp(e *traceql.Comparison, p scan.Predicate) scan.Op {
	switch {
	case e.Op != scan.OpExists && e.Op != scan.OpAbsent:
		return e.Op
	case p.Op == scan.OpEqual:
		return scan.OpAbsent
	}
	return scan.OpExists
}

// emptyValue is the value that stands for nil in a field that is always
// present.
func emptyValue(f traceql.Field) (telemetry.Value, bool) {
	if f.Scope != scan.ScopeIntrinsic {
		return telemetry.Value{}, false
	}
	switch f.Intrinsic {
	case scan.IntrinsicEventName, scan.IntrinsicEventTime, scan.IntrinsicLinkTraceID, scan.IntrinsicLinkSpanID:
		return telemetry.Value{}, false
	case scan.IntrinsicParentID:
		return telemetry.BytesValue(string(make([]byte, len(telemetry.SpanID{})))), true
	}
	return telemetry.StringValue(""), true
}

// conjunction joins two nodes, folding constants and flattening.
func conjunction(a, b Node) Node {
	for _, pair := range [][2]Node{{a, b}, {b, a}} {
		if c, ok := pair[0].(Constant); ok {
			if c {
				return pair[1]
			}
			return Constant(false)
		}
	}
	var all And
	for _, n := range []Node{a, b} {
		if and, ok := n.(And); ok {
			all = append(all, and...)
		} else {
			all = append(all, n)
		}
	}
	byCost(all)
	return all
}

// disjunction is the dual of conjunction.
func disjunction(a, b Node) Node {
	for _, pair := range [][2]Node{{a, b}, {b, a}} {
		if c, ok := pair[0].(Constant); ok {
			if !c {
				return pair[1]
			}
			return Constant(true)
		}
	}
	var all Or
	for _, n := range []Node{a, b} {
		if or, ok := n.(Or); ok {
			all = append(all, or...)
		} else {
			all = append(all, n)
		}
	}
	byCost(all)
	return all
}

// HasTraceLeaves reports whether n asks about the whole trace.
func HasTraceLeaves(n Node) bool {
	return hasLeaf(n, func(n Node) bool {
		_, ok := n.(*TraceLeaf)
		return ok || HasPlaceLeaves(n)
	})
}

// HasPlaceLeaves reports whether n asks something about the trace whose answer
// may differ from span to span, so that [Bind] leaves the question.
func HasPlaceLeaves(n Node) bool {
	return hasLeaf(n, func(n Node) bool {
		switch n := n.(type) {
		case *TraceLeaf:
			return n.Field.OfSpan()
		case *Relation:
			return n.OfTrace
		}
		return false
	})
}

func hasLeaf(n Node, is func(Node) bool) bool {
	has := func(x Node) bool { return hasLeaf(x, is) }
	switch n := n.(type) {
	case Not:
		return has(n.X)
	case And:
		return slices.ContainsFunc(n, has)
	case Or:
		return slices.ContainsFunc(n, has)
	}
	return is(n)
}

// Fields are those of spans that n compares, each as often as it does.
func Fields(n Node) (out []scan.Field) {
	switch n := n.(type) {
	case *Leaf:
		return []scan.Field{n.Predicate.Field}
	case *Relation:
		traceql.Walk(n.Relation, func(f traceql.Field) { out = append(out, f.Field) })
	case Not:
		return Fields(n.X)
	case And:
		for _, x := range n {
			out = append(out, Fields(x)...)
		}
	case Or:
		for _, x := range n {
			out = append(out, Fields(x)...)
		}
	}
	return out
}

// Relax is n with all that it asks about the trace taken as satisfied: it
// holds for every span that n holds for, and can be decided span by span.
func Relax(n Node) Node {
	return rewrite(n, func(Node, bool) (bool, bool) { return true, true })
}

// Bind is n for one trace: each question about the trace alone is replaced by
// its answer. What is left to ask about the trace is about each span's place
// in it.
func Bind(n Node, holds func(*TraceLeaf) bool) Node {
	return rewrite(n, func(x Node, negated bool) (answer, known bool) {
		l, ok := x.(*TraceLeaf)
		if !ok || l.Field.OfSpan() {
			return false, false
		}
		return holds(l) != negated, true
	})
}

// rewrite replaces what asks about the trace where the answer is known.
func rewrite(n Node, decide func(n Node, negated bool) (answer, known bool)) Node {
	switch x := n.(type) {
	case *TraceLeaf, *Relation:
		if HasTraceLeaves(n) {
			if answer, known := decide(n, false); known {
				return Constant(answer)
			}
		}
	case Not:
		if HasTraceLeaves(x.X) {
			if answer, known := decide(x.X, true); known {
				return Constant(answer)
			}
		}
	case And:
		var out Node = Constant(true)
		for _, y := range x {
			out = conjunction(out, rewrite(y, decide))
		}
		return out
	case Or:
		var out Node = Constant(false)
		for _, y := range x {
			out = disjunction(out, rewrite(y, decide))
		}
		return out
	}
	return n
}
