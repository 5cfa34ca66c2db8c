package exec

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

const (
	// firstPart is how much of a range of time is told first, and partTime how
	// long another part may take by the time that those before took: a query
	// that is quick is answered in two parts.
	firstPart = 16
	partTime  = 500 * time.Millisecond
)

// MetricsEach is [Metrics] that also tells the points of the newest intervals
// before it knows the others: found is called with the series of some
// intervals, the newest first, which are those of the answer, but that a count
// of 0 may be missing. An error of it ends the query. Queries whose points do
// not stand alone, as those of compare and of a sample, are told at the end
// only. Exemplars may be others than those of Metrics.
func MetricsEach(ctx context.Context, snap scan.Snapshot, q *MetricsQuery, limits Limits, found func(*MetricsResult) error) (*MetricsResult, error) {
	g, err := newGrid(q, limits)
	if err != nil {
		return nil, err
	}
	if !pointsStandAlone(q) || g.points < 2 {
		return Metrics(ctx, snap, q, limits)
	}
	began := time.Now()
	all := joined{grid: g, at: map[string]int{}, out: &MetricsResult{Start: q.Start, Step: g.step, Share: 1, Stats: Stats{Complete: true}}}
	exemplars := exemplarsOf(q)
	for hi, n := g.points, max(g.points/firstPart, 1); hi > 0; {
		lo := max(hi-n, 0)
		part := &MetricsQuery{
			Expr: q.Expr, Start: g.start + uint64(lo)*g.step, End: min(g.start+uint64(hi)*g.step, g.end), Step: g.step,
			Exemplars: (exemplars*(hi-lo) + g.points - 1) / g.points,
		}
		left := limits
		left.Time = max(limits.Time-time.Since(began), 0)
		res, err := Metrics(ctx, snap, part, left)
		if err != nil {
			return nil, err
		}
		all.add(res, lo)
		if err := found(res); err != nil {
			return nil, err
		}
		n, hi = nextPart(hi-lo, res.Stats.Elapsed), lo
	}
	all.out.Stats.Elapsed = time.Since(began)
	return all.result(q, exemplars), nil
}

// pointsStandAlone reports whether a series' point in an interval does not
// depend on what happened in others.
func pointsStandAlone(q *MetricsQuery) bool {
	m, ok := q.Expr.(*traceql.Metrics)
	return ok && m.Func != traceql.Compare && !slices.ContainsFunc(q.Hints, func(h traceql.Hint) bool {
		return h.Name == traceql.HintSample || h.Name == traceql.HintSpanSample || h.Name == traceql.HintTraceSample
	})
}

// nextPart is how many intervals come next, after n took a time.
func nextPart(n int, took time.Duration) int {
	times := float64(partTime) / float64(max(took, time.Microsecond))
	return int(math.Max(1, math.Min(float64(n)*times, math.MaxInt32)))
}

// joined is parts of an answer put together.
type joined struct {
	grid grid
	at   map[string]int // the place of a series by its labels
	out  *MetricsResult
}

// add adds the part that begins with interval lo.
func (j *joined) add(part *MetricsResult, lo int) {
	for _, s := range part.Series {
		key := labelsKey(s.Labels)
		i, ok := j.at[key]
		if !ok {
			i = len(j.out.Series)
			j.at[key] = i
			points := make([]float64, j.grid.points)
			for k := range points {
				points[k] = math.NaN()
			}
			j.out.Series = append(j.out.Series, Series{Labels: s.Labels, Points: points})
		}
		to := &j.out.Series[i]
		copy(to.Points[lo:], s.Points)
		to.Exemplars = append(slices.Clip(s.Exemplars), to.Exemplars...) // the part is the older one
	}
	stats, more := &j.out.Stats, part.Stats
	stats.ScannedSpans, stats.ScannedBlocks = stats.ScannedSpans+more.ScannedSpans, stats.ScannedBlocks+more.ScannedBlocks
	stats.TotalSpans, stats.TotalBlocks = more.TotalSpans, more.TotalBlocks
	if stats.Damage == nil { // most of it is in every part
		stats.Damage = more.Damage
	}
	if stats.Complete && !more.Complete {
		stats.Complete, stats.Reason = false, more.Reason
	}
}

// result is the answer made of all parts.
func (j *joined) result(q *MetricsQuery, exemplars int) *MetricsResult {
	f := q.Expr.(*traceql.Metrics).Func
	for i := range j.out.Series {
		points := j.out.Series[i].Points
		for k := range points {
			if (f == traceql.Rate || f == traceql.CountOverTime) && math.IsNaN(points[k]) {
				points[k] = 0
			}
		}
	}
	slices.SortFunc(j.out.Series, compareSeries)
	thin(j.out.Series, exemplars)
	return j.out
}
