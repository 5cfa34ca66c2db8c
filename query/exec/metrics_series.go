package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// limitSeries keeps at each point the k greatest or least of all series, of
// equals the first ones by their labels.
func (g *grid) limitSeries(all []Series, k int, bottom bool) []Series {
	slices.SortFunc(all, compareSeries)
	order := make([]int, 0, len(all))
	for at := range g.points {
		order = order[:0]
		for i := range all {
			if !math.IsNaN(all[i].Points[at]) {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(i, j int) int {
			if bottom {
				i, j = j, i
			}
			return cmp.Compare(all[j].Points[at], all[i].Points[at])
		})
		for _, i := range order[min(k, len(order)):] {
			all[i].Points[at] = math.NaN()
		}
	}
	for i := range all {
		g.revalue(&all[i], func(value, point float64) float64 {
			if math.IsNaN(point) {
				return point
			}
			return value
		})
	}
	return withPoints(all)
}

// withPoints drops the series that have no point.
func withPoints(all []Series) []Series {
	return slices.DeleteFunc(all, func(s Series) bool {
		return !slices.ContainsFunc(s.Points, func(x float64) bool { return !math.IsNaN(x) })
	})
}

// operation is arithmetic, or a comparison, of series and constants.
func (m *metrics) operation(x *traceql.MetricsOp) ([]Series, error) {
	apply := func(l, r float64) float64 {
		if math.IsNaN(l) || math.IsNaN(r) { // 1 ^ NaN is 1
			return math.NaN()
		}
		return finite(x.Arith.Float(l, r))
	}
	if x.Comparing {
		apply = func(l, r float64) float64 { return keepIf(x.Compare, l, r) }
	}
	left, isConst := x.Left.(*traceql.MetricsConst)
	if isConst {
		of, err := m.series(x.Right)
		if x.Comparing { // the series is what is kept
			return m.grid.each(of, func(r float64) float64 { return keepIf(flipped(x.Compare), r, left.Value) }), err
		}
		return m.grid.each(of, func(r float64) float64 { return apply(left.Value, r) }), err
	}
	of, err := m.series(x.Left)
	if err != nil {
		return nil, err
	}
	if right, ok := x.Right.(*traceql.MetricsConst); ok {
		return m.grid.each(of, func(l float64) float64 { return apply(l, right.Value) }), nil
	}
	by, err := m.series(x.Right)
	if err != nil {
		return nil, err
	}
	return m.grid.matched(of, by, apply), nil
}

// each applies f to all points.
func (g *grid) each(of []Series, f func(float64) float64) []Series {
	for i := range of {
		for at, x := range of[i].Points {
			of[i].Points[at] = f(x)
		}
		g.revalue(&of[i], func(value, _ float64) float64 { return f(value) })
	}
	return withPoints(of)
}

// matched applies f to the points of series with equal labels. A lone series
// without labels goes with every series of the other side.
func (g *grid) matched(left, right []Series, f func(l, r float64) float64) (out []Series) {
	switch {
	case isTotal(right):
		return g.eachWith(left, &right[0], f)
	case isTotal(left):
		return g.eachWith(right, &left[0], func(r, l float64) float64 { return f(l, r) })
	}
	index := make(map[string]int, len(right))
	for i := range right {
		index[labelsKey(right[i].Labels)] = i
	}
	for _, s := range left {
		i, ok := index[labelsKey(s.Labels)]
		if !ok {
			continue
		}
		out = append(out, s)
		g.with(&out[len(out)-1], &right[i], f)
	}
	return withPoints(out)
}

// isTotal reports whether of is one series without labels.
func isTotal(of []Series) bool { return len(of) == 1 && len(of[0].Labels) == 0 }

// eachWith applies f to the points of each series and those of total.
func (g *grid) eachWith(of []Series, total *Series, f func(x, t float64) float64) []Series {
	for i := range of {
		g.with(&of[i], total, f)
	}
	return withPoints(of)
}

// with makes the points of s those of f.
func (g *grid) with(s, other *Series, f func(x, y float64) float64) {
	for at := range s.Points {
		s.Points[at] = f(s.Points[at], other.Points[at])
	}
	g.revalue(s, func(_, point float64) float64 { return point })
}

func labelsKey(labels []Label) string {
	var key []byte
	for _, l := range labels {
		key = appendGroupValues(appendText(key, l.Name), []GroupValue{l.Value})
	}
	return string(key)
}

// finite is x, or NaN for an infinity.
func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// keepIf is l where it compares so with r, else NaN; NaN compares with
// nothing.
func keepIf(op scan.Op, l, r float64) float64 {
	p := scan.Predicate{Op: op, Value: telemetry.DoubleValue(r)}
	if math.IsNaN(l) || math.IsNaN(r) || !p.Holds(telemetry.DoubleValue(l)) {
		return math.NaN()
	}
	return l
}

// flipped is the comparison with its sides exchanged.
func flipped(op scan.Op) scan.Op {
	switch op {
	case scan.OpLess:
		return scan.OpGreater
	case scan.OpLessEqual:
		return scan.OpGreaterEqual
	case scan.OpGreater:
		return scan.OpLess
	case scan.OpGreaterEqual:
		return scan.OpLessEqual
	}
	return op
}
