package querytest

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// MetricsQuestion is a metrics query with its time.
type MetricsQuestion struct {
	Query      *traceql.Query
	Start, End uint64 // spans that count start within [Start, End), Unix nanoseconds
	Step       uint64 // nanoseconds; 0: one interval
	Exemplars  int    // wanted at most
}

// line is a series: a point for each interval.
type line struct {
	labels []label
	points []point
	counts []counted // the spans that it counts, of functions on their own
}

// label is a field and its value.
type label struct {
	name  string
	value telemetry.Value
	ok    bool // else nil
}

// point is a number, NaN for none, and how far an answer may be off.
type point struct{ is, slack float64 }

// counted is a span that a function counts.
type counted struct {
	span   *telemetry.Span
	x      float64 // the function's argument
	weight float64
}

// series evaluates x. copies reports whether a function counts the stored
// copies of a span each.
func (r *Reference) series(x traceql.MetricsExpr, q MetricsQuestion, copies func(*traceql.Metrics) bool) []line {
	var out []line
	switch x := x.(type) {
	case *traceql.Metrics:
		if x.Compare != nil {
			out = r.compare(x, q, copies(x))
		} else {
			out = r.measure(x, q, copies(x))
		}
	case *traceql.SeriesLimit:
		out = limited(r.series(x.X, q, copies), x.K, x.Bottom)
	case *traceql.MetricsOp:
		out = r.operation(x, q, copies)
	default:
		panic(fmt.Sprintf("unknown metrics %T", x))
	}
	slices.SortFunc(out, compareLines)
	return out
}

// intervals is how many the question has.
func (q *MetricsQuestion) intervals() int {
	if q.Step == 0 {
		return 1
	}
	return int((q.End - q.Start + q.Step - 1) / q.Step)
}

// interval is the one that a span counts in.
func (q *MetricsQuestion) interval(s *telemetry.Span) int {
	if q.Step == 0 {
		return 0
	}
	return int((s.Start - q.Start) / q.Step)
}

// seconds is how long an interval is.
func (q *MetricsQuestion) seconds(interval int) float64 {
	if q.Step == 0 {
		return float64(q.End-q.Start) / 1e9
	}
	from := q.Start + uint64(interval)*q.Step
	return float64(min(q.End, from+q.Step)-from) / 1e9
}

// weight is how many spans one stands for, see OpenTelemetry's specification
// of probability sampling. The answer's weights are rounded to 24 bits.
func (q *MetricsQuestion) weight(s *telemetry.Span) float64 {
	for _, h := range q.Query.Hints {
		if h.Name == traceql.HintExtrapolate && !h.Value.Value.Bool() {
			return 1
		}
	}
	for _, member := range strings.Split(s.TraceState, ",") {
		name, list, _ := strings.Cut(strings.TrimSpace(member), "=")
		if name != "ot" {
			continue
		}
		for _, pair := range strings.Split(list, ";") {
			th, ok := strings.CutPrefix(pair, "th:")
			if !ok {
				continue
			}
			threshold, ok := new(big.Int).SetString((th + strings.Repeat("0", 14))[:max(14, len(th))], 16)
			if !ok || len(th) == 0 || len(th) > 14 || strings.ContainsAny(th, "+-_") {
				return 1
			}
			all := new(big.Int).Lsh(big.NewInt(1), 56)
			weight, _ := new(big.Rat).SetFrac(all, new(big.Int).Sub(all, threshold)).Float32()
			return float64(weight)
		}
	}
	return 1
}

// each calls f with the spans that the pipeline selects, within the time.
func (r *Reference) each(p *traceql.Pipeline, q MetricsQuestion, copies bool, f func(t *trace, i int)) {
	for _, t := range r.traces {
		in := map[int]bool{}
		for _, set := range t.pipeline(p, t.all()) {
			for _, i := range set.spans {
				in[i] = true
			}
		}
		for i, s := range t.spans {
			if !in[i] || s.Start < q.Start || s.Start >= q.End {
				continue
			}
			f(t, i)
			for n := 1; copies && n < t.copies[i]; n++ {
				f(t, i)
			}
		}
	}
}

// measure is the series of a function, which groups spans and then tells of
// the spans of each group and interval.
func (r *Reference) measure(x *traceql.Metrics, q MetricsQuestion, copies bool) (out []line) {
	groups := map[string]*line{}
	group := func(labels []label) *line {
		key := labelsText(labels)
		if groups[key] == nil {
			groups[key] = &line{labels: labels}
		}
		return groups[key]
	}
	if !x.Func.HasArgument() && len(x.By) == 0 {
		group(nil)
	}
	r.each(x.Spans, q, copies, func(t *trace, i int) {
		c := counted{span: t.spans[i], weight: q.weight(t.spans[i])}
		if x.X != nil {
			v, ok := t.value(x.X, i)
			if !ok || !isNumber(v) || math.IsInf(float(v), 0) {
				return
			}
			c.x = float(v)
		}
		var labels []label
		for _, f := range x.By {
			v, ok := t.field(i, f)
			labels = append(labels, label{f.String(), v, ok})
		}
		to := group(labels)
		to.counts = append(to.counts, c)
	})
	for _, g := range groups {
		out = append(out, tellGroup(x, q, g)...)
	}
	return out
}

// tellGroup is the series of one group.
func tellGroup(x *traceql.Metrics, q MetricsQuestion, group *line) (out []line) {
	cells := make([][]counted, q.intervals())
	for _, c := range group.counts {
		at := q.interval(c.span)
		cells[at] = append(cells[at], c)
	}
	unit := 1.0
	if x.X != nil && traceql.IsDuration(x.X) {
		unit = 1e9
	}
	tell := func(counts []counted, more []label, f func(interval int, spans []counted) point) {
		l := line{labels: append(slices.Clip(group.labels), more...), counts: counts}
		for at, spans := range cells {
			l.points = append(l.points, f(at, spans))
		}
		out = append(out, l)
	}
	switch x.Func {
	case traceql.QuantileOverTime:
		for _, share := range x.Quantiles {
			tell(group.counts, []label{{"p", telemetry.DoubleValue(share), true}}, func(_ int, spans []counted) point { return quantile(spans, share).in(unit) })
		}
	case traceql.HistogramOverTime:
		for bound, of := range buckets(group.counts) {
			tell(of, []label{{"__bucket", telemetry.DoubleValue(bound / unit), true}}, func(_ int, spans []counted) point {
				return exactly(total(buckets(spans)[bound]))
			})
		}
	default:
		tell(group.counts, nil, func(at int, spans []counted) point {
			if x.Func == traceql.Rate {
				return exactly(total(spans) / q.seconds(at))
			}
			return single(x.Func, spans, unit)
		})
	}
	return out
}

// single is a function with one number for spans, in the unit.
func single(f traceql.MetricsFunc, spans []counted, unit float64) point {
	if f == traceql.CountOverTime {
		return exactly(total(spans))
	}
	if len(spans) == 0 {
		return exactly(math.NaN())
	}
	sum, size := new(big.Float).SetPrec(4000), 0.0
	out := spans[0].x
	for _, c := range spans {
		sum.Add(sum, new(big.Float).SetPrec(4000).Mul(big.NewFloat(c.x).SetPrec(4000), big.NewFloat(c.weight).SetPrec(4000)))
		size += math.Abs(c.x * c.weight)
		switch f {
		case traceql.MinOverTime:
			out = min(out, c.x)
		case traceql.MaxOverTime:
			out = max(out, c.x)
		}
	}
	switch f {
	case traceql.MinOverTime, traceql.MaxOverTime:
		return exactly(out).in(unit)
	}
	out, _ = sum.Float64()
	slack := 1e-12 * size
	if size > math.MaxFloat64/1e9 { // what overflows on the way is no number
		slack = math.Inf(1)
	}
	if f == traceql.AvgOverTime { // divided in this order: where averages are compared the last digit matters
		return point{out, slack}.in(unit).in(total(spans))
	}
	return point{out, slack}.in(unit)
}

// in is the point in units of so much.
func (p point) in(unit float64) point { return point{p.is / unit, p.slack / unit} }

func exactly(x float64) point { return point{is: x} }

// total is the weight of spans.
func total(spans []counted) (sum float64) {
	for _, c := range spans {
		sum += c.weight
	}
	return sum
}

// quantile is the least number that has the share, but for rounding, of the
// weight up to it. Answers are up to 1.6 % off.
func quantile(spans []counted, share float64) point {
	if len(spans) == 0 {
		return exactly(math.NaN())
	}
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b counted) int { return big.NewFloat(a.x).Cmp(big.NewFloat(b.x)) })
	at := 0
	for at < len(spans)-1 && total(spans[:at+1]) < share*total(spans)*(1-1e-12) {
		at++
	}
	x := spans[at].x
	return point{x, math.Abs(x)/63 + math.SmallestNonzeroFloat64*1e16}
}

// buckets are spans by the least power of two that their number does not
// exceed; by 0 those of numbers not above it.
func buckets(spans []counted) map[float64][]counted {
	out := map[float64][]counted{}
	for _, c := range spans {
		bound := 0.0
		if c.x > 0 {
			bound = math.Exp2(math.Floor(math.Log2(c.x)) - 1) // from below: logarithms are rounded
			for bound < c.x {
				bound *= 2
			}
		}
		out[bound] = append(out[bound], c)
	}
	return out
}
