package exec

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Exemplar is a span that a series counts.
type Exemplar struct {
	TraceID telemetry.TraceID
	SpanID  telemetry.SpanID
	Time    uint64 // the span's start, Unix nanoseconds
	// Value is the argument of the series' function; of functions without one,
	// and of arithmetic on two series, the point that the span is counted in.
	Value float64
}

const (
	// maxExemplars are told, whatever is asked for.
	maxExemplars = 1000
	// seriesExemplars are looked for in each group, 48 bytes each.
	seriesExemplars = 32
	// hintedExemplars are told where a hint asks for some.
	hintedExemplars = 100
)

// exemplarsOf is how many exemplars a query asks for.
func exemplarsOf(q *MetricsQuery) int {
	n := q.Exemplars
	for _, h := range q.Hints {
		if h.Name != traceql.HintExemplars {
			continue
		}
		switch v := h.Value.Value; {
		case v.Type() == telemetry.ValueInt:
			n = int(min(v.Int(), maxExemplars))
		case !v.Bool():
			n = 0
		case n == 0:
			n = hintedExemplars
		}
	}
	return min(n, maxExemplars)
}

// exemplars keeps for each group and slice of time the earliest span, of
// several the one with the least IDs: which does not depend on where spans are
// stored.
type exemplars struct {
	grid   *grid
	slices int    // of a group
	width  uint64 // of a slice, nanoseconds
	of     []Exemplar
	ids    scan.Rows
}

func newExemplars(g *grid, n int) exemplars {
	e := exemplars{grid: g, slices: min(n, seriesExemplars)}
	if e.slices > 0 {
		e.width = (g.end-g.start-1)/uint64(e.slices) + 1
	}
	return e
}

// grow makes n groups of what there are.
func (e *exemplars) grow(n int) {
	for len(e.of) < n*e.slices {
		e.of = append(e.of, Exemplar{Time: math.MaxUint64})
	}
}

// consider takes a row of a block for an exemplar of a group, if it is better.
func (e *exemplars) consider(b scan.Block, row, group int, start uint64, value float64) error {
	have := &e.of[group*e.slices+int((start-e.grid.start)/e.width)]
	if start > have.Time {
		return nil
	}
	if err := b.Rows(row, row+1, scan.ColTraceID|scan.ColSpanID, &e.ids); err != nil {
		return err
	}
	have.better(Exemplar{e.ids.TraceID[0], e.ids.SpanID[0], start, value})
	return nil
}

// better makes x the exemplar if it comes first.
func (e *Exemplar) better(x Exemplar) {
	if cmp.Or(cmp.Compare(x.Time, e.Time), bytes.Compare(x.TraceID[:], e.TraceID[:]), bytes.Compare(x.SpanID[:], e.SpanID[:]), cmp.Compare(x.Value, e.Value)) < 0 {
		*e = x
	}
}

// merge adds those of a group of other.
func (e *exemplars) merge(to int, other *exemplars, of int) {
	for i := range e.slices {
		e.of[to*e.slices+i].better(other.of[of*e.slices+i])
	}
}

// tell gives the exemplars of a group to its series: each to the one with the
// bucket or the nearest point, where there are several. Without an argument of
// the function they are on the line.
func (w *meter) tell(group int, series []Series, unit float64) {
	e := &w.exemplars
	for _, x := range e.of[group*e.slices : (group+1)*e.slices] {
		if x.Time == math.MaxUint64 {
			continue
		}
		at, _ := e.grid.interval(x.Time)
		s := &series[0]
		if w.of.X == nil {
			x.Value = s.Points[at]
		} else {
			s = nearest(series, at, x.Value, w.of.Func, unit)
			x.Value /= unit
		}
		s.Exemplars = append(s.Exemplars, x)
	}
}

func nearest(series []Series, at int, value float64, f traceql.MetricsFunc, unit float64) *Series {
	best, least := &series[0], math.Inf(1)
	for i := range series {
		s := &series[i]
		distance := math.Abs(s.Points[at] - value/unit)
		if f == traceql.HistogramOverTime {
			distance = math.Abs(s.Labels[len(s.Labels)-1].Value.Value.Double() - powerBound(powerBucket(value))/unit)
		}
		if distance < least {
			best, least = s, distance
		}
	}
	return best
}

// thin leaves at most n exemplars, spread over series and time.
func thin(all []Series, n int) {
	share := max(n/max(len(all), 1), 1)
	for i := range all {
		have := all[i].Exemplars
		keep := min(len(have), share, n)
		for k := range keep {
			have[k] = have[k*len(have)/keep]
		}
		all[i].Exemplars = slices.Clip(have[:keep])
		n -= keep
	}
}

// revalue replaces the values of exemplars by f of them and the point that
// their span counts in; one whose value is NaN then is dropped.
func (g *grid) revalue(s *Series, f func(value, point float64) float64) {
	s.Exemplars = slices.DeleteFunc(s.Exemplars, func(x Exemplar) bool {
		at, _ := g.interval(x.Time)
		return math.IsNaN(f(x.Value, s.Points[at]))
	})
	for i := range s.Exemplars {
		x := &s.Exemplars[i]
		at, _ := g.interval(x.Time)
		x.Value = f(x.Value, s.Points[at])
	}
}
