package plan

import (
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
)

// Spans is the plan of a pipeline, which is evaluated trace by trace.
type Spans struct {
	Pipeline *traceql.Pipeline
	// Candidate holds for a span, within the range of the search, of every
	// trace that has a result. It asks nothing about the trace.
	Candidate Node

	bounded    bool
	filters    map[*traceql.Filter]Node
	conditions Conditions
}

// Filter is the planned condition of a filter of the pipeline.
func (s *Spans) Filter(f *traceql.Filter) Node { return s.filters[f] }

// Conditions are the planned conditions that stand for values of stages.
func (s *Spans) Conditions() Conditions { return s.conditions }

// Pipeline plans a pipeline: as a filter alone where it is one, with spans
// nil; else as spans, whose candidates satisfy the filter. bounded says that
// the search has a range of time, which a trace may reach out of.
func Pipeline(p *traceql.Pipeline, bounded bool) (filter Node, spans *Spans) {
	if f, ok := p.First.(*traceql.Filter); ok && onlySelects(p.Stages) {
		return Filter(f.Cond), nil
	}
	spans = &Spans{Pipeline: p, bounded: bounded, filters: map[*traceql.Filter]Node{}, conditions: Conditions{}}
	spans.spanset(p)
	spans.Candidate = Relax(spans.need(p).node)
	return spans.Candidate, spans
}

func onlySelects(stages []traceql.Stage) bool {
	return !slices.ContainsFunc(stages, func(s traceql.Stage) bool {
		_, ok := s.(*traceql.Select)
		return !ok
	})
}

// spanset plans every condition below x.
func (s *Spans) spanset(x traceql.Spanset) {
	switch x := x.(type) {
	case *traceql.Filter:
		s.filters[x] = Filter(x.Cond)
	case *traceql.SpansetOp:
		s.spanset(x.Left)
		s.spanset(x.Right)
	case *traceql.Pipeline:
		s.spanset(x.First)
		for _, stage := range x.Stages {
			s.stage(stage)
		}
	default:
		panic(fmt.Sprintf("plan: unknown spanset %T", x))
	}
}

func (s *Spans) stage(stage traceql.Stage) {
	switch stage := stage.(type) {
	case traceql.Spanset:
		s.spanset(stage)
	case *traceql.By:
		for _, v := range stage.Exprs {
			s.conditions.add(v)
		}
	}
}

// needed is a condition that a span satisfies of every trace with a result:
// one of the result, or where ofTrace is set any of the trace.
type needed struct {
	node    Node
	ofTrace bool
}

// need is what x needs. The spans of a result are within the range of the
// search; those that they stand in a relation to need not be, so they serve
// only where there is no range.
func (s *Spans) need(x traceql.Spanset) needed {
	switch x := x.(type) {
	case *traceql.Filter:
		return needed{node: s.filters[x]}
	case *traceql.SpansetOp:
		return s.needOp(x)
	}
	p := x.(*traceql.Pipeline)
	n := s.need(p.First)
	for _, stage := range p.Stages {
		f, ok := stage.(*traceql.Filter)
		if ok && !n.ofTrace { // the spans of the result satisfy both
			n.node = conjunction(n.node, s.filters[f])
		}
	}
	return n
}

func (s *Spans) needOp(x *traceql.SpansetOp) needed {
	left, right := s.need(x.Left), s.need(x.Right)
	both := x.Op.Union() || x.Op == traceql.SetAnd // the result is of both sides
	switch {
	case x.Op == traceql.SetOr || both && s.bounded:
		return needed{disjunction(left.node, right.node), left.ofTrace || right.ofTrace}
	case x.Op.Negated() || s.bounded: // of the right; perhaps there is none on the left
		return right
	case every(right.node) && !every(left.node), both && !every(left.node) && cost(left.node) < cost(right.node):
		return needed{left.node, true}
	case both:
		return needed{right.node, true}
	}
	return right
}

func every(n Node) bool { return Relax(n) == Node(Constant(true)) }
