package exec

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// MetricsQuery asks for series of numbers, see [traceql.MetricsExpr].
type MetricsQuery struct {
	Expr       traceql.MetricsExpr
	Start, End uint64 // Unix nanoseconds; a span counts where it started, within [Start, End)
	// Step is the length of an interval in nanoseconds; the last one may be
	// shorter. 0: one interval from Start to End.
	Step uint64
	// Exemplars is how many are told at most, of all series together.
	Exemplars int
	// Hints are those of the query; the ones that are not about metrics change
	// nothing.
	Hints []traceql.Hint
}

// MetricsResult is series in the order of their labels.
type MetricsResult struct {
	Series []Series
	Start  uint64 // of the first interval, Unix nanoseconds
	Step   uint64 // nanoseconds
	// Share is how many of the traces were looked at, 1 being all. Counts,
	// rates, sums and histograms are scaled up by it.
	Share float64
	Stats Stats
}

// Series is a number for each interval of time.
type Series struct {
	Labels []Label
	// Points are NaN where there is none; point i is that of the interval
	// [Start+i*Step, Start+(i+1)*Step).
	Points    []float64
	Exemplars []Exemplar // by time
}

// Label tells series apart.
type Label struct {
	Name  string // a field as a query spells it, or one of the names below
	Value GroupValue
}

// The labels that are no field's.
const (
	LabelQuantile = "p"        // of quantile_over_time: a double
	LabelBucket   = "__bucket" // of histogram_over_time: a double, the greatest value of the bucket
)

// RangeError says that the times of a [MetricsQuery] make no sense, or too
// many points.
type RangeError struct{ Why string }

// Error implements error.
func (e *RangeError) Error() string { return e.Why }

// Metrics answers a [MetricsQuery]. Durations are told in seconds.
//
// Counts, sums and averages are exact, quantiles at most 1.6 % off. A span of
// which its tracestate says that it was sampled with probability p counts as
// 1/p spans, but for min_over_time and max_over_time. Spans of a plain filter
// count as often as they are stored; in what needs whole traces, such as a
// relation between spans, stored copies of a span are one.
//
// A count or rate is 0 in an interval without spans; without "by" it is so
// even if there are none at all. All other functions have no point there.
func Metrics(ctx context.Context, snap scan.Snapshot, q *MetricsQuery, limits Limits) (*MetricsResult, error) {
	g, err := newGrid(q, limits)
	if err != nil {
		return nil, err
	}
	m := &metrics{run: start(ctx, snap, limits), grid: g, exemplars: exemplarsOf(q), hints: q.Hints, share: 1}
	defer m.release()
	m.blocks = m.blocksWithin(q.Start, q.End)
	series, err := m.series(q.Expr)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(series, compareSeries)
	thin(series, m.exemplars)
	return &MetricsResult{Series: series, Start: q.Start, Step: g.step, Share: m.share, Stats: m.finish()}, nil
}

// metrics is a query for series under way.
type metrics struct {
	*run
	grid      grid
	exemplars int
	hints     []traceql.Hint
	share     float64 // the least of any function
	blocks    []queuedBlock
}

// grid is the intervals of time.
type grid struct {
	start, end, step uint64
	points           int
}

func newGrid(q *MetricsQuery, limits Limits) (grid, error) {
	if q.End <= q.Start {
		return grid{}, &RangeError{"the end is not after the start"}
	}
	g := grid{q.Start, q.End, q.Step, 1}
	if q.Step == 0 {
		g.step = q.End - q.Start
		return g, nil
	}
	n := (q.End-q.Start-1)/q.Step + 1
	if n > uint64(limits.Points) {
		return g, &RangeError{fmt.Sprintf("there are %d steps from start to end, more than %d: ask for a longer step or a shorter time", n, limits.Points)}
	}
	g.points = int(n)
	return g, nil
}

// interval is the number of the interval of a start within the grid, and the
// last start that is in it too.
func (g *grid) interval(start uint64) (n int, last uint64) {
	at := (start - g.start) / g.step
	return int(at), min(g.start+at*g.step+(g.step-1), g.end-1)
}

// seconds is how long interval n is.
func (g *grid) seconds(n int) float64 {
	from := g.start + uint64(n)*g.step
	return float64(min(g.step, g.end-from)) / 1e9
}

// series evaluates x, which is no constant.
func (m *metrics) series(x traceql.MetricsExpr) ([]Series, error) {
	switch x := x.(type) {
	case *traceql.Metrics:
		return m.measure(x)
	case *traceql.SeriesLimit:
		of, err := m.series(x.X)
		if err != nil {
			return nil, err
		}
		return m.grid.limitSeries(of, x.K, x.Bottom), nil
	case *traceql.MetricsOp:
		return m.operation(x)
	}
	return nil, fmt.Errorf("evaluate %T: it is no series", x)
}

func compareSeries(a, b Series) int {
	return slices.CompareFunc(a.Labels, b.Labels, func(x, y Label) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), compareLabelValues(x.Value, y.Value))
	})
}

// compareLabelValues orders numbers as such and everything else as
// compareGroupValues does.
func compareLabelValues(x, y GroupValue) int {
	if x.Present && y.Present && isNumber(x.Value) && isNumber(y.Value) {
		a, _ := numberOf(x.Value)
		b, _ := numberOf(y.Value)
		if c := cmp.Compare(a, b); c != 0 {
			return c
		}
	}
	return compareGroupValues(x, y)
}

func isNumber(v telemetry.Value) bool {
	return v.Type() == telemetry.ValueInt || v.Type() == telemetry.ValueDouble
}

// numberOf is a value as a finite number.
func numberOf(v telemetry.Value) (x float64, ok bool) {
	switch v.Type() {
	case telemetry.ValueInt:
		return float64(v.Int()), true
	case telemetry.ValueDouble:
		x = v.Double()
		return x, !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	return 0, false
}
