package querytest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// CheckMetrics asks package exec for series and says how they differ from the
// reference's.
func (r *Reference) CheckMetrics(ctx context.Context, snap scan.Snapshot, q MetricsQuestion) error {
	ask := exec.MetricsQuery{Expr: q.Query.Metrics, Start: q.Start, End: q.End, Step: q.Step, Exemplars: q.Exemplars, Hints: q.Query.Hints}
	limits := exec.DefaultLimits
	limits.Time = time.Hour // on a machine that does much else too
	got, err := exec.Metrics(ctx, snap, &ask, limits)
	if err == nil && !got.Stats.Complete {
		err = fmt.Errorf("not complete: %s, %w", got.Stats.Reason, got.Stats.Damage)
	}
	if err == nil {
		// What needs whole traces counts copies of a span once.
		want := r.series(q.Query.Metrics, q, func(m *traceql.Metrics) bool { return !plan.SpanMetrics(m).OfTrace })
		err = differentSeries(got.Series, want)
	}
	if err == nil {
		err = badExemplars(got.Series, q, r)
	}
	if err != nil {
		return fmt.Errorf("%s from %d to %d, step %d, %d exemplars: %w", q.Query, q.Start, q.End, q.Step, q.Exemplars, err)
	}
	return nil
}

// differentSeries says how series differ from those that are wanted, in the
// same order.
func differentSeries(got []exec.Series, want []line) error {
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = seriesText(&got[i])
		}
		if i < len(want) {
			w = labelsText(want[i].labels)
		}
		if g != w {
			return fmt.Errorf("series %d is {%s}, want {%s}", i, g, w)
		}
		for at, p := range want[i].points {
			if x := got[i].Points[at]; !p.near(x) {
				return fmt.Errorf("{%s}: point %d is %v, want %v", w, at, x, p.is)
			}
		}
	}
	return nil
}

// near reports whether x is the point, but for rounding.
func (p point) near(x float64) bool {
	if math.IsInf(p.slack, 1) || math.IsNaN(p.is) || math.IsNaN(x) {
		return math.IsInf(p.slack, 1) || math.IsNaN(p.is) && math.IsNaN(x)
	}
	return math.Abs(x-p.is) <= p.slack+1e-12*math.Abs(p.is)
}

// seriesText is the labels of a series as the reference spells them.
func seriesText(s *exec.Series) string {
	var labels []label
	for _, l := range s.Labels {
		labels = append(labels, label{l.Name, l.Value.Value, l.Value.Present})
	}
	return labelsText(labels)
}

// badExemplars says which exemplars are no spans that their series counts, or
// have another value; of functions on their own.
func badExemplars(got []exec.Series, q MetricsQuestion, r *Reference) error {
	n := 0
	for _, s := range got {
		n += len(s.Exemplars)
	}
	if n > q.Exemplars {
		return fmt.Errorf("%d exemplars", n)
	}
	m, ok := q.Query.Metrics.(*traceql.Metrics)
	if !ok || n == 0 {
		return nil
	}
	want := r.measure(m, q, false)
	for i := range got {
		for _, x := range got[i].Exemplars {
			if !exemplarOf(&got[i], x, m, q, want) {
				return fmt.Errorf("{%s}: exemplar %s %s at %d of %v is none of its spans", seriesText(&got[i]), x.TraceID, x.SpanID, x.Time, x.Value)
			}
		}
	}
	return nil
}

func exemplarOf(s *exec.Series, x exec.Exemplar, m *traceql.Metrics, q MetricsQuestion, want []line) bool {
	unit := 1.0
	if m.X != nil && traceql.IsDuration(m.X) {
		unit = 1e9
	}
	for _, l := range want {
		if labelsText(l.labels) != seriesText(s) {
			continue
		}
		for _, c := range l.counts {
			value := c.x / unit
			if m.X == nil {
				value = s.Points[q.interval(c.span)]
			}
			if c.span.TraceID == x.TraceID && c.span.SpanID == x.SpanID && c.span.Start == x.Time && value == x.Value {
				return true
			}
		}
	}
	return false
}
