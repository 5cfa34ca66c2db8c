package querytest

import (
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// spanset is some spans of a trace, with what stages told of them as text.
type spanset struct {
	spans  []int
	traits []string
}

// pipeline is the spansets, none empty, that p makes of the given spans.
func (t *trace) pipeline(p *traceql.Pipeline, of []int) []spanset {
	sets := []spanset{{spans: t.spanset(p.First, of)}}
	for _, stage := range p.Stages {
		sets = t.stage(stage, nonEmpty(sets))
	}
	return nonEmpty(sets)
}

func nonEmpty(sets []spanset) []spanset {
	return slices.DeleteFunc(sets, func(s spanset) bool { return len(s.spans) == 0 })
}

// spanset is what x selects of the given spans.
func (t *trace) spanset(x traceql.Spanset, of []int) []int {
	switch x := x.(type) {
	case *traceql.Filter:
		return where(of, func(i int) bool { return t.holds(x.Cond, i) })
	case *traceql.Pipeline:
		in := map[int]bool{}
		for _, s := range t.pipeline(x, of) {
			for _, i := range s.spans {
				in[i] = true
			}
		}
		return where(of, func(i int) bool { return in[i] })
	case *traceql.SpansetOp:
		left, right := t.spanset(x.Left, of), t.spanset(x.Right, of)
		return where(of, func(i int) bool { return t.combines(x.Op, left, right, i) })
	}
	panic(fmt.Sprintf("unknown spanset %T", x))
}

func where(spans []int, is func(i int) bool) (out []int) {
	for _, i := range spans {
		if is(i) {
			out = append(out, i)
		}
	}
	return out
}

// combines reports whether span i is in "left op right".
func (t *trace) combines(op traceql.SetOp, left, right []int, i int) bool {
	onLeft, onRight := slices.Contains(left, i), slices.Contains(right, i)
	switch op {
	case traceql.SetOr:
		return onLeft || onRight
	case traceql.SetAnd:
		return len(left) > 0 && len(right) > 0 && (onLeft || onRight)
	}
	ofRight := onRight && slices.ContainsFunc(left, func(l int) bool { return t.related(op.Relation(), l, i) })
	ofLeft := onLeft && slices.ContainsFunc(right, func(r int) bool { return t.related(op.Relation(), i, r) })
	switch {
	case op.Negated():
		return onRight && !ofRight
	case op.Union():
		return ofRight || ofLeft
	}
	return ofRight
}

func (t *trace) stage(stage traceql.Stage, sets []spanset) (out []spanset) {
	switch stage := stage.(type) {
	case traceql.Spanset:
		for _, s := range sets {
			out = append(out, spanset{t.spanset(stage, s.spans), s.traits})
		}
	case *traceql.By:
		for _, s := range sets {
			out = append(out, t.by(stage, s)...)
		}
	case *traceql.Coalesce:
		in := map[int]bool{}
		for _, s := range sets {
			for _, i := range s.spans {
				in[i] = true
			}
		}
		out = []spanset{{spans: where(t.all(), func(i int) bool { return in[i] })}}
	case *traceql.Select:
		return sets
	case *traceql.ScalarFilter:
		for _, s := range sets {
			left, lok := t.scalar(stage.Left, &s)
			right, rok := t.scalar(stage.Right, &s)
			if lok && rok && compares(stage.Op, left, right) {
				out = append(out, s)
			}
		}
	default:
		panic(fmt.Sprintf("unknown stage %T", stage))
	}
	return out
}

// by is the groups of a spanset, in the order of their first spans.
func (t *trace) by(stage *traceql.By, set spanset) (out []spanset) {
	var keys []string
	for _, i := range set.spans {
		traits := slices.Clone(set.traits)
		for _, x := range stage.Exprs {
			v, ok := t.value(x, i)
			traits = append(traits, "by("+traceql.Spell(x)+")="+valueText(v, ok))
		}
		key := fmt.Sprintf("%q", traits)
		at := slices.Index(keys, key)
		if at < 0 {
			at = len(keys)
			keys = append(keys, key)
			out = append(out, spanset{traits: traits})
		}
		out[at].spans = append(out[at].spans, i)
	}
	return out
}

// scalar is a number of a spanset, which tells of every aggregate in it.
func (t *trace) scalar(x traceql.Scalar, s *spanset) (v telemetry.Value, ok bool) {
	switch x := x.(type) {
	case *traceql.ScalarConst:
		return x.Literal.Value, true
	case *traceql.ScalarOp:
		left, lok := t.scalar(x.Left, s)
		right, rok := t.scalar(x.Right, s)
		if !lok || !rok {
			return v, false
		}
		return arithmetic(x.Op, left, right)
	case *traceql.Aggregate:
		v, ok = t.aggregate(x, s.spans)
		s.traits = append(slices.Clip(s.traits), traceql.SpellScalar(x)+"="+valueText(v, ok))
		return v, ok
	}
	panic(fmt.Sprintf("unknown scalar %T", x))
}

// aggregate is a function of the spans for which its argument is a number.
// Sums are made in the order of the spans, and so of floats that have no exact
// sum as well.
func (t *trace) aggregate(x *traceql.Aggregate, spans []int) (v telemetry.Value, ok bool) {
	if x.Func == traceql.Count {
		return telemetry.IntValue(int64(len(spans))), true
	}
	var numbers []telemetry.Value
	for _, i := range spans {
		if v, ok := t.value(x.X, i); ok && isNumber(v) {
			numbers = append(numbers, v)
		}
	}
	if len(numbers) == 0 {
		return v, false
	}
	v, ok = numbers[0], true
	for _, n := range numbers[1:] {
		switch x.Func {
		case traceql.Min:
			if less(n, v) {
				v = n
			}
		case traceql.Max:
			if less(v, n) {
				v = n
			}
		default:
			if v, ok = arithmetic(traceql.Add, v, n); !ok {
				return v, false
			}
		}
	}
	if x.Func == traceql.Avg {
		return arithmetic(traceql.Div, v, telemetry.IntValue(int64(len(numbers))))
	}
	return v, true
}
