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
// [Not], [Leaf] or [TraceLeaf]. Nodes are immutable.
type Node interface {
	explain(w *strings.Builder, indent int)
}

// Constant holds for every span or for none; it occurs only as a root.
type Constant bool

// And holds where all its two or more nodes hold, the cheapest first.
type And []Node

// Or holds where one of its two or more nodes holds, the cheapest first.
type Or []Node

// Not holds where its Leaf or TraceLeaf does not.
type Not struct{ X Node }

// Leaf compares a field of the span.
type Leaf struct {
	Predicate scan.Predicate
	text      string
}

// TraceLeaf compares a field of the whole trace; Predicate.Holds decides it,
// its Field is not set.
type TraceLeaf struct {
	Field     traceql.TraceField
	Predicate scan.Predicate
	text      string
}

// Cursor is the place in the order of results that a page starts after.
type Cursor struct {
	Start uint64 // of the page before's last trace
	ID    telemetry.TraceID
}

// Search is a plan to find traces: those with a span that started within
// [Start, End) and satisfies Filter, newest first, at most Limit.
type Search struct {
	Filter     Node
	Start, End uint64 // Unix nanoseconds
	Limit      int    // at least 1
	After      *Cursor
}

// All is a range of time without bounds.
const All = math.MaxUint64

// Filter plans the filter of a query.
func Filter(q *traceql.Query) Node {
	if q.Filter == nil {
		return Constant(true)
	}
	return build(q.Filter, false)
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
	text := (&traceql.Query{Filter: &traceql.Comparison{Field: e.Field, Op: shownOp(e, p), Literal: e.Literal}}).String()
	text = strings.TrimSuffix(strings.TrimPrefix(text, "{ "), " }")
	var n Node = &Leaf{Predicate: p, text: text}
	if e.Field.Trace != traceql.TraceNone {
		n = &TraceLeaf{Field: e.Field.Trace, Predicate: p, text: text}
	}
	if negated {
		return Not{n}
	}
	return n
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
	switch {
	case f.Scope != scan.ScopeIntrinsic || f.Intrinsic == scan.IntrinsicEventName:
		return telemetry.Value{}, false
	case f.Intrinsic == scan.IntrinsicParentID:
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
	switch n := n.(type) {
	case *TraceLeaf:
		return true
	case Not:
		return HasTraceLeaves(n.X)
	case And:
		return slices.ContainsFunc(n, HasTraceLeaves)
	case Or:
		return slices.ContainsFunc(n, HasTraceLeaves)
	}
	return false
}

// Fields are those of spans that n compares, each as often as it does.
func Fields(n Node) (out []scan.Field) {
	switch n := n.(type) {
	case *Leaf:
		return []scan.Field{n.Predicate.Field}
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
	return rewrite(n, func(*TraceLeaf, bool) bool { return true })
}

// Bind is n for one trace: each question about the trace is replaced by its
// answer.
func Bind(n Node, holds func(*TraceLeaf) bool) Node {
	return rewrite(n, func(l *TraceLeaf, negated bool) bool { return holds(l) != negated })
}

func rewrite(n Node, decide func(l *TraceLeaf, negated bool) bool) Node {
	switch n := n.(type) {
	case *TraceLeaf:
		return Constant(decide(n, false))
	case Not:
		if l, ok := n.X.(*TraceLeaf); ok {
			return Constant(decide(l, true))
		}
	case And:
		var out Node = Constant(true)
		for _, x := range n {
			out = conjunction(out, rewrite(x, decide))
		}
		return out
	case Or:
		var out Node = Constant(false)
		for _, x := range n {
			out = disjunction(out, rewrite(x, decide))
		}
		return out
	}
	return n
}
