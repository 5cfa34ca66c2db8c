package plan

import (
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Needed is conditions that ask nothing about the trace, each of which some
// span satisfies of every trace that p has a result in. The spans need not be
// of the result, nor within the range of the search.
func (p *Search) Needed() []Node {
	if p.Spans == nil {
		return neededRoot(p.Filter)
	}
	return p.Spans.needed(p.Spans.Pipeline)
}

func (s *Spans) needed(x traceql.Spanset) []Node {
	switch x := x.(type) {
	case *traceql.Filter:
		n := s.filters[x]
		out := neededRoot(n)
		if !every(n) {
			out = append(out, Relax(n))
		}
		return out
	case *traceql.SpansetOp:
		switch {
		case x.Op == traceql.SetOr:
			return nil
		case x.Op.Negated():
			return s.needed(x.Right)
		}
		return slices.Concat(s.needed(x.Left), s.needed(x.Right))
	}
	return s.needed(x.(*traceql.Pipeline).First) // stages only leave spans out
}

// neededRoot is what n says of the root, as conditions on a span.
func neededRoot(n Node) (out []Node) {
	switch n := n.(type) {
	case And:
		for _, x := range n {
			out = append(out, neededRoot(x)...)
		}
	case *TraceLeaf:
		f := scan.Field{Intrinsic: scan.IntrinsicName}
		switch n.Field {
		case traceql.TraceRootService:
			f = scan.Field{Scope: scan.ScopeResource, Key: "service.name"}
		case traceql.TraceRootName:
		default:
			return nil
		}
		p := n.Predicate
		p.Field = f
		if p.Op == scan.OpExists || p.Holds(telemetry.StringValue("")) { // so does a root without
			return nil
		}
		out = append(out, &Leaf{Predicate: p, text: n.text})
	}
	return out
}
