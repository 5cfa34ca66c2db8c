package exec

import (
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// spanset is some spans of a trace, with what stages told of them.
type spanset struct {
	rows   *scan.Bitmap
	traits []Trait
}

// Trait is something that holds for a whole spanset: what it was grouped by,
// or an aggregate that it was filtered by.
type Trait struct {
	Name    string // as a query spells it
	Present bool
	Value   telemetry.Value
}

// pipeline is the spansets that p makes of the given rows, none of them
// empty.
func (v *view) pipeline(p *traceql.Pipeline, of *scan.Bitmap) ([]spanset, error) {
	first, err := v.spanset(p.First, of)
	if err != nil {
		return nil, err
	}
	sets := nonEmpty([]spanset{{rows: first}})
	for _, stage := range p.Stages {
		if len(sets) == 0 {
			return nil, nil
		}
		if sets, err = v.stage(stage, sets); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

func nonEmpty(sets []spanset) []spanset {
	return slices.DeleteFunc(sets, func(s spanset) bool { return s.rows.Empty() })
}

// spanset is the rows of x among the given ones. Relations between spans are
// those of the whole trace.
func (v *view) spanset(x traceql.Spanset, of *scan.Bitmap) (*scan.Bitmap, error) {
	switch x := x.(type) {
	case *traceql.Filter:
		out := v.copy(of)
		return out, v.narrow(v.spans.Filter(x), out)
	case *traceql.Pipeline:
		sets, err := v.pipeline(x, of)
		out := &scan.Bitmap{}
		out.Reset(len(v.rows), false)
		for _, s := range sets {
			out.Or(s.rows)
		}
		return out, err
	case *traceql.SpansetOp:
		left, err := v.spanset(x.Left, of)
		if err != nil {
			return nil, err
		}
		right, err := v.spanset(x.Right, of)
		if err != nil {
			return nil, err
		}
		return v.combine(x.Op, left, right), nil
	}
	return nil, fmt.Errorf("evaluate %T: unknown spanset", x)
}

func (v *view) copy(of *scan.Bitmap) *scan.Bitmap {
	out := &scan.Bitmap{}
	out.Reset(of.Len(), false)
	out.CopyFrom(of)
	return out
}

func (v *view) combine(op traceql.SetOp, left, right *scan.Bitmap) *scan.Bitmap {
	switch {
	case op == traceql.SetAnd && (left.Empty() || right.Empty()):
		left.ClearAll()
		return left
	case op == traceql.SetAnd || op == traceql.SetOr:
		left.Or(right)
		return left
	}
	related := v.place().related(op.Relation(), left, right, false)
	switch {
	case op.Negated():
		right.AndNot(related)
		return right
	case op.Union():
		related.Or(v.place().related(op.Relation(), left, right, true))
	}
	return related
}

func (v *view) stage(stage traceql.Stage, sets []spanset) ([]spanset, error) {
	switch stage := stage.(type) {
	case traceql.Spanset:
		for i := range sets {
			var err error
			if sets[i].rows, err = v.spanset(stage, sets[i].rows); err != nil {
				return nil, err
			}
		}
		return nonEmpty(sets), nil
	case *traceql.By:
		return v.by(stage, sets)
	case *traceql.Coalesce:
		all := spanset{rows: v.copy(sets[0].rows)}
		for _, s := range sets[1:] {
			all.rows.Or(s.rows)
		}
		return []spanset{all}, nil
	case *traceql.Select:
		return sets, nil
	case *traceql.ScalarFilter:
		return v.scalarFilter(stage, sets)
	}
	return nil, fmt.Errorf("evaluate %T: unknown stage", stage)
}

// by splits the sets, in the order of the first span of each group.
func (v *view) by(stage *traceql.By, sets []spanset) (out []spanset, err error) {
	columns := make([]*rowValues, len(stage.Exprs))
	for i, x := range stage.Exprs {
		if columns[i], err = v.value(x, v.spans.Conditions()); err != nil {
			return nil, err
		}
	}
	var key []byte
	for _, s := range sets {
		groups := map[string]int{}
		for _, i := range v.inOrder(s.rows) {
			key = key[:0]
			for _, c := range columns {
				key = append(key, presence(GroupValue{c.has[i], c.values[i]}))
				key = appendAttrs(key, []telemetry.Attr{{Value: c.values[i]}})
			}
			at, ok := groups[string(key)]
			if !ok {
				at = len(out)
				groups[string(key)] = at
				group := spanset{rows: &scan.Bitmap{}, traits: slices.Clone(s.traits)}
				group.rows.Reset(len(v.rows), false)
				for k, c := range columns {
					name := traceql.Spell(stage.Exprs[k])
					group.traits = append(group.traits, Trait{"by(" + name + ")", c.has[i], c.values[i]})
				}
				out = append(out, group)
			}
			out[at].rows.Set(i)
		}
	}
	return out, nil
}

// inOrder is the rows of a set in the order of compareRows.
func (v *view) inOrder(rows *scan.Bitmap) []int {
	out := make([]int, 0, rows.Count())
	for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
		out = append(out, i)
	}
	slices.SortFunc(out, func(i, j int) int { return compareRows(&v.rows[i], &v.rows[j]) })
	return out
}

func (v *view) scalarFilter(f *traceql.ScalarFilter, sets []spanset) ([]spanset, error) {
	kept := sets[:0]
	for _, s := range sets {
		left, lok, err := v.scalar(f.Left, &s)
		if err != nil {
			return nil, err
		}
		right, rok, err := v.scalar(f.Right, &s)
		if err != nil {
			return nil, err
		}
		p := scan.Predicate{Op: f.Op, Value: right}
		if lok && rok && p.Holds(left) {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// scalar is a number of a spanset; ok is false where there is none. What
// aggregates tell is added to the set.
func (v *view) scalar(x traceql.Scalar, s *spanset) (out telemetry.Value, ok bool, err error) {
	switch x := x.(type) {
	case *traceql.ScalarConst:
		return x.Literal.Value, true, nil
	case *traceql.ScalarOp:
		left, lok, err := v.scalar(x.Left, s)
		if err != nil {
			return out, false, err
		}
		right, rok, err := v.scalar(x.Right, s)
		if err != nil || !lok || !rok {
			return out, false, err
		}
		out, ok = x.Op.Apply(left, right)
		return out, ok, nil
	case *traceql.Aggregate:
		if out, ok, err = v.aggregate(x, s.rows); ok {
			s.traits = append(slices.Clip(s.traits), Trait{traceql.SpellScalar(x), true, out})
		}
		return out, ok, err
	}
	return out, false, fmt.Errorf("evaluate %T: unknown scalar", x)
}
