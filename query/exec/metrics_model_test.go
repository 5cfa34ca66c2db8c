package exec_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// metricsForms are functions with their groups.
var metricsForms = []string{
	"rate()", "count_over_time() by (name)", "count_over_time() by (span.user.id0, kind)", "rate() by (statusMessage, .http.route1)",
	"count_over_time() by (name, kind, status, resource.service.name, span.http.route0, instrumentation:name)",
	"min_over_time(duration) by (kind)", "max_over_time(duration)", "avg_over_time(duration) by (resource.service.name)", "sum_over_time(duration)",
	"sum_over_time(.db.query.text1)", "avg_over_time(span.user.id0) by (name)", "min_over_time(.user.id1)", "max_over_time(span.http.route0)",
	"quantile_over_time(duration, .5, .99) by (kind)", "quantile_over_time(.user.id0, 0, .3, 1)", "histogram_over_time(duration) by (name)",
	"histogram_over_time(.user.id0)", "sum_over_time(duration * 3) by (status)", "count_over_time() by (span:id)", "rate() by (duration)",
	"max_over_time(duration) by (rootName)", "count_over_time() by (rootServiceName, name)",
}

// measure is the series of x over the filter's spans, each of them visited.
// Spans count as stored, or once where whole traces are needed.
func (m model) measure(x *traceql.Metrics, q *exec.MetricsQuery) map[string][]float64 {
	step := q.Step
	if step == 0 {
		step = q.End - q.Start
	}
	type value struct{ x, weight float64 }
	points := int((q.End - q.Start + step - 1) / step)
	groups := map[string][][]value{}
	add := func(i int, t *exec.Summary) {
		s := &m.b.Spans[i]
		if s.Start < q.Start || s.Start >= q.End || !m.holds(x.Spans.First.(*traceql.Filter).Cond, i, t) {
			return
		}
		v := value{weight: 1}
		if s.TraceState == "ot=th:c" { // one in four is kept
			v.weight = 4
		}
		if x.X != nil {
			n, ok := m.number(x.X, i)
			if !ok {
				return
			}
			v.x = n
		}
		var labels []string
		for _, f := range x.By {
			labels = append(labels, f.String()+"="+groupText(m.groupValue(f, i, t)))
		}
		key := strings.Join(labels, ", ")
		if groups[key] == nil {
			groups[key] = make([][]value, points)
		}
		at := (s.Start - q.Start) / step
		groups[key][at] = append(groups[key][at], v)
	}
	if plan.SpanMetrics(x).OfTrace {
		for id, rows := range m.distinct() {
			t := m.summary(id, rows)
			for _, i := range rows {
				add(i, &t)
			}
		}
	} else {
		for i := range m.b.Spans {
			add(i, &exec.Summary{})
		}
	}
	if len(groups) == 0 && len(x.By) == 0 && x.X == nil {
		groups[""] = make([][]value, points)
	}
	unit := 1.0
	if x.X != nil && strings.Contains(traceql.Spell(x.X), "duration") {
		unit = 1e9
	}
	out := map[string][]float64{}
	line := func(key, label string, at int, y float64) {
		if label != "" && key != "" {
			label = ", " + label
		}
		if out[key+label] == nil {
			empty := math.NaN()
			if x.Func == traceql.HistogramOverTime {
				empty = 0
			}
			out[key+label] = slices.Repeat([]float64{empty}, points)
		}
		out[key+label][at] = y
	}
	for key, cells := range groups {
		for at, cell := range cells {
			slices.SortFunc(cell, func(a, b value) int { return int(math.Copysign(1, a.x-b.x)) })
			var total, sum float64
			for _, v := range cell {
				total += v.weight
				sum += v.weight * v.x
			}
			switch x.Func {
			case traceql.CountOverTime:
				line(key, "", at, total)
			case traceql.Rate:
				from := q.Start + uint64(at)*step
				line(key, "", at, total/(float64(min(step, q.End-from))/1e9))
			case traceql.QuantileOverTime:
				for _, p := range x.Quantiles {
					y, seen := math.NaN(), 0.0
					for _, v := range cell {
						if seen < p*total || math.IsNaN(y) {
							y = v.x / unit
						}
						seen += v.weight
					}
					line(key, "p="+groupText(exec.GroupValue{Present: true, Value: telemetry.DoubleValue(p)}), at, y)
				}
			case traceql.HistogramOverTime:
				buckets := map[float64]float64{}
				for _, v := range cell {
					bound := 0.0
					if v.x > 0 {
						bound = math.Exp2(math.Ceil(math.Log2(v.x)))
					}
					buckets[bound/unit] += v.weight
				}
				for bound, n := range buckets {
					line(key, "__bucket="+groupText(exec.GroupValue{Present: true, Value: telemetry.DoubleValue(bound)}), at, n)
				}
			default:
				y := math.NaN()
				if len(cell) > 0 {
					y = map[traceql.MetricsFunc]float64{
						traceql.MinOverTime: cell[0].x, traceql.MaxOverTime: cell[len(cell)-1].x,
						traceql.SumOverTime: sum, traceql.AvgOverTime: sum / total,
					}[x.Func]
				}
				line(key, "", at, y/unit)
			}
		}
	}
	return out
}

// number is an argument of metricsForms.
func (m model) number(x traceql.Value, i int) (float64, bool) {
	switch x := x.(type) {
	case *traceql.Arith:
		l, ok := m.number(x.Left, i)
		r, rok := m.number(x.Right, i)
		return l * r, ok && rok
	case *traceql.LiteralRef:
		return float64(x.Literal.Value.Int()), true
	}
	v := m.groupValue(x.(*traceql.FieldRef).Field, i, nil).Value
	switch v.Type() {
	case telemetry.ValueInt:
		return float64(v.Int()), true
	case telemetry.ValueDouble:
		return v.Double(), !math.IsNaN(v.Double()) && !math.IsInf(v.Double(), 0)
	}
	return 0, false
}

func (m model) groupValue(f traceql.Field, i int, t *exec.Summary) (v exec.GroupValue) {
	switch f.Trace {
	case traceql.TraceRootName:
		return exec.GroupValue{Present: true, Value: telemetry.StringValue(t.RootName)}
	case traceql.TraceRootService:
		return exec.GroupValue{Present: t.RootService != "", Value: telemetry.StringValue(t.RootService)}
	}
	for _, v.Value = range scantest.Values(m.b, i, f.Field) {
		v.Present = true
	}
	if f.Scope == scan.ScopeIntrinsic && f.Intrinsic != scan.IntrinsicName && v.Value.Type() == telemetry.ValueString && v.Value.Str() == "" {
		return exec.GroupValue{}
	}
	return v
}

// TestMetricsAgreeWithModel: any function, filter, time and layout.
func TestMetricsAgreeWithModel(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 6))
		b := randomBatch(r, 30+r.IntN(200))
		for layout, store := range layouts(t, b, r) {
			snap := store.Snapshot()
			for _, form := range metricsForms {
				text := "{" + randomExpr(r, 2) + "} | " + form
				q := &exec.MetricsQuery{Start: epoch + uint64(r.IntN(20))*1000, Exemplars: r.IntN(2) * 5}
				q.End = q.Start + uint64(1+r.IntN(30))*1000 + uint64(r.IntN(1000))
				if r.IntN(3) > 0 {
					q.Step = 300 + uint64(r.IntN(20_000))
				}
				parsed, err := traceql.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				q.Expr = parsed.Metrics
				got, err := exec.Metrics(t.Context(), snap, q, exec.DefaultLimits)
				if err != nil || !got.Stats.Complete {
					t.Fatalf("%s: %v, %+v", text, err, got)
				}
				x := parsed.Metrics.(*traceql.Metrics)
				if why := difference(x, got.Series, (model{b}).measure(x, q)); why != "" {
					t.Fatalf("seed %d, layout %d, %s from %d to %d step %d\n%s", seed, layout, text, q.Start-epoch, q.End-epoch, q.Step, why)
				}
			}
			snap.Release()
		}
	}
}

// layouts are the same spans stored in several ways.
func layouts(t *testing.T, b *telemetry.Batch, r *rand.Rand) []scan.Store {
	real := openStore(t)
	for lo := 0; lo < len(b.Spans); lo += 60 {
		if _, err := real.Append(t.Context(), part(b, lo, min(lo+60, len(b.Spans)))); err != nil {
			t.Fatal(err)
		}
		if r.IntN(2) == 0 {
			if err := real.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []scan.Store{scantest.New(b), scantest.Split(b, r, 3, 4), real}
}

// difference tells where series are not as they should be, quantiles up to one
// part in 63.
func difference(x *traceql.Metrics, series []exec.Series, want map[string][]float64) string {
	slack := 1e-9
	if x.Func == traceql.QuantileOverTime {
		slack = 1.0 / 63
	}
	for _, s := range series {
		line := strings.TrimSuffix(strings.TrimPrefix(seriesLine(&exec.Series{Labels: s.Labels}), "{"), "}")
		points, ok := want[line]
		if !ok {
			return fmt.Sprintf("there is no series %q among %q", line, slices.Collect(maps.Keys(want)))
		}
		for i, y := range points {
			if got := s.Points[i]; math.Abs(got-y) > slack*math.Abs(y)+math.SmallestNonzeroFloat64*1e16 || math.IsNaN(got) != math.IsNaN(y) {
				return fmt.Sprintf("{%s}: point %d is %v, want %v", line, i, got, y)
			}
		}
		delete(want, line)
	}
	if len(want) > 0 {
		return fmt.Sprintf("missing: %v", want)
	}
	return ""
}
