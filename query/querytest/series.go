package querytest

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// limited keeps of each interval the k greatest or least points, of equal ones
// those of the first series.
func limited(all []line, k int, bottom bool) []line {
	out := make([]line, len(all))
	for i, l := range all {
		out[i].labels = l.labels
		for at, p := range l.points {
			ahead := 0
			for j := range all {
				x, y := p.is, all[j].points[at].is
				if bottom {
					x, y = y, x
				}
				if y > x || x == y && j < i {
					ahead++
				}
			}
			if ahead >= k {
				p = exactly(math.NaN())
			}
			out[i].points = append(out[i].points, p)
		}
	}
	return withPoints(out)
}

// withPoints is the series that have any.
func withPoints(all []line) []line {
	return slices.DeleteFunc(all, func(l line) bool {
		return !slices.ContainsFunc(l.points, func(p point) bool { return !math.IsNaN(p.is) })
	})
}

// operation is arithmetic or a comparison of two sides. A number is a series
// that goes with all; so is one without labels that is alone on its side.
func (r *Reference) operation(x *traceql.MetricsOp, q MetricsQuestion, copies func(*traceql.Metrics) bool) (out []line) {
	side := func(x traceql.MetricsExpr) (all []line, forAll bool) {
		if c, ok := x.(*traceql.MetricsConst); ok {
			return []line{{points: slices.Repeat([]point{exactly(c.Value)}, q.intervals())}}, true
		}
		all = r.series(x, q, copies)
		return all, len(all) == 1 && len(all[0].labels) == 0
	}
	left, leftForAll := side(x.Left)
	right, rightForAll := side(x.Right)
	_, leftNumber := x.Left.(*traceql.MetricsConst)
	for _, l := range left {
		for _, r := range right {
			if !leftForAll && !rightForAll && labelsText(l.labels) != labelsText(r.labels) {
				continue
			}
			o := line{labels: l.labels}
			if leftForAll {
				o.labels = r.labels
			}
			for at := range l.points {
				o.points = append(o.points, exactly(combined(x, l.points[at].is, r.points[at].is, leftNumber)))
			}
			out = append(out, o)
		}
	}
	return withPoints(out)
}

// combined is one point. A comparison keeps the left one; the right one where
// the left is a number of the query.
func combined(x *traceql.MetricsOp, left, right float64, leftNumber bool) float64 {
	if math.IsNaN(left) || math.IsNaN(right) {
		return math.NaN()
	}
	if !x.Comparing {
		out := floats(x.Arith, left, right)
		if math.IsInf(out, 0) {
			return math.NaN()
		}
		return out
	}
	keep := left
	if leftNumber {
		keep = right
	}
	if !comparesOne(x.Compare, telemetry.DoubleValue(left), telemetry.DoubleValue(right)) {
		return math.NaN()
	}
	return keep
}

// compareLines is the order of series: by their labels.
func compareLines(a, b line) int {
	return slices.CompareFunc(a.labels, b.labels, func(x, y label) int {
		if c := cmp.Compare(x.name, y.name); c != 0 {
			return c
		}
		if x.ok && y.ok && number(x.value) && number(y.value) { // NaN is less than all others
			c := 0
			switch xs, ys := isNumber(x.value), isNumber(y.value); {
			case xs && ys:
				c = cmp.Compare(float(x.value), float(y.value))
			case xs:
				c = 1
			case ys:
				c = -1
			}
			if c != 0 {
				return c
			}
		}
		if x.ok != y.ok {
			if y.ok {
				return -1
			}
			return 1
		}
		return compareStored(x.value, y.value)
	})
}

// compareStored is an order of values of all types.
func compareStored(x, y telemetry.Value) int {
	return cmp.Or(cmp.Compare(x.Type(), y.Type()), cmp.Compare(x.Num(), y.Num()), cmp.Compare(x.Str(), y.Str()))
}

func labelsText(labels []label) string {
	var out []string
	for _, l := range labels {
		out = append(out, l.name+"="+valueText(l.value, l.ok))
	}
	return strings.Join(out, ", ")
}

// comparedValue is the spans with a value, the selection apart from the rest.
type comparedValue struct {
	value telemetry.Value
	of    [2][]counted // the rest, the selection
}

// compare is the series of compare: for every field the values that most spans
// of the selection, or of the rest, have.
func (r *Reference) compare(x *traceql.Metrics, q MetricsQuestion, copies bool) (out []line) {
	fields := map[string]map[string]*comparedValue{}
	r.each(x.Spans, q, copies, func(t *trace, i int) {
		s, side, c := t.spans[i], 0, x.Compare
		if t.holds(c.Selection.Cond, i) && (c.End == 0 || s.Start >= c.Start && s.Start < c.End) {
			side = 1
		}
		for _, f := range t.comparedFields(s) {
			v, ok := t.field(i, f)
			if !ok {
				continue
			}
			values := fields[f.String()]
			if values == nil {
				values = map[string]*comparedValue{}
				fields[f.String()] = values
			}
			if values[valueText(v, ok)] == nil {
				values[valueText(v, ok)] = &comparedValue{value: v}
			}
			of := &values[valueText(v, ok)].of[side]
			*of = append(*of, counted{span: s, weight: q.weight(s)})
		}
	})
	for name, values := range fields {
		out = append(out, tellValues(name, values, x.Compare.TopN, q)...)
	}
	return out
}

// comparedFields are those of a span.
func (t *trace) comparedFields(s *telemetry.Span) (out []traceql.Field) {
	for _, i := range []scan.Intrinsic{
		scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus, scan.IntrinsicStatusMessage, scan.IntrinsicScopeName, scan.IntrinsicScopeVersion,
	} {
		out = append(out, traceql.Field{Field: scan.Field{Scope: scan.ScopeIntrinsic, Intrinsic: i}})
	}
	add := func(scope scan.Scope, r telemetry.Range) {
		for _, a := range t.b.AttrsOf(r) {
			out = append(out, traceql.Field{Field: scan.Field{Scope: scope, Key: a.Key}})
		}
	}
	add(scan.ScopeSpan, s.Attrs)
	add(scan.ScopeResource, t.b.Resources[s.Resource].Attrs)
	add(scan.ScopeInstrumentation, t.b.Scopes[s.Scope].Attrs)
	return out
}

// tellValues are the series of one field: its first values by spans on either
// side, the spans with any value, and those with a value that is not told.
func tellValues(name string, values map[string]*comparedValue, first int, q MetricsQuestion) (out []line) {
	var all []*comparedValue
	for _, v := range values {
		all = append(all, v)
	}
	told := map[*comparedValue]bool{}
	for side := range 2 {
		slices.SortFunc(all, func(a, b *comparedValue) int {
			return cmp.Or(cmp.Compare(total(b.of[side]), total(a.of[side])), compareStored(a.value, b.value))
		})
		for _, v := range all[:min(first, len(all))] {
			told[v] = told[v] || len(v.of[side]) > 0
		}
	}
	tell := func(meta, says string, value label, spans []counted) {
		value.name = name
		l := line{labels: []label{{meta, telemetry.StringValue(says), true}, value}, points: make([]point, q.intervals())}
		for _, c := range spans {
			l.points[q.interval(c.span)].is += c.weight
		}
		out = append(out, l)
	}
	var rest []counted
	var any [2][]counted
	others := false
	for _, v := range all {
		for side, says := range []string{"baseline", "selection"} {
			any[side] = append(any[side], v.of[side]...)
			if told[v] && len(v.of[side]) > 0 {
				tell("__meta_type", says, label{value: v.value, ok: true}, v.of[side])
			}
		}
		if !told[v] {
			others = true
			rest = append(append(rest, v.of[0]...), v.of[1]...)
		}
	}
	tell("__meta_type", "baseline_total", label{}, any[0])
	tell("__meta_type", "selection_total", label{}, any[1])
	if others {
		tell("__meta_error", "__too_many_values__", label{}, rest)
	}
	return out
}
