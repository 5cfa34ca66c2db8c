package analysis

import (
	"context"
	"fmt"
	"math"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// HeatMap is how many spans took how long, and when: a grid of counts, each
// span as many as it was sampled of. Its columns are intervals of time of the same length, its rows classes of
// durations, four for each doubling.
type HeatMap struct {
	Start, Step uint64 // Unix nanoseconds of the first column, nanoseconds
	Columns     int
	Rows        []HeatRow // by duration; the first and the last have spans
	Spans       uint64
	Stats       exec.Stats
}

// HeatRow is the spans with a duration within [From, To) nanoseconds.
type HeatRow struct {
	From, To       uint64
	Counts, Errors []uint64 // by column
}

// HeatColumns is how many columns a heat map has at most.
const HeatColumns = 1000

// bucketsPerRow is how many buckets of [scan.DurationBucket] a row has.
const bucketsPerRow = scan.BucketsPerRow / 4

// LatencyHeatMap is the heat map of the spans that q selects in so many
// columns, from 1 to [HeatColumns]. Without a start or end in q it is from the
// first to the last span that is stored.
func LatencyHeatMap(ctx context.Context, snap scan.Snapshot, q *plan.Search, columns int, limits exec.Limits) (*HeatMap, error) {
	start, end := bounds(snap, q)
	out := &HeatMap{Start: start, Step: 1, Columns: columns}
	if end > start {
		out.Step = (end-start-1)/uint64(columns) + 1
	}
	begin := func() *heatSum { return &heatSum{start: start, step: out.Step, columns: columns} }
	sums, stats, err := exec.Selections(ctx, snap, []*plan.Search{q}, limits, begin, (*heatSum).add)
	if err != nil {
		return nil, fmt.Errorf("make heat map: %w", err)
	}
	out.Stats = stats
	for n := range heatRows {
		row := HeatRow{From: heatFrom(n), To: heatFrom(n + 1)}
		for _, s := range sums {
			row.Counts, row.Errors = addUp(row.Counts, s.counts[n]), addUp(row.Errors, s.errors[n])
		}
		if row.Counts == nil {
			if len(out.Rows) == 0 {
				continue
			}
			row.Counts = make([]uint64, columns)
		}
		if row.Errors == nil {
			row.Errors = make([]uint64, columns)
		}
		out.Rows = append(out.Rows, row)
	}
	for n := len(out.Rows); n > 0 && sum(out.Rows[n-1].Counts) == 0; n = len(out.Rows) {
		out.Rows = out.Rows[:n-1]
	}
	for _, row := range out.Rows {
		out.Spans += sum(row.Counts)
	}
	return out, nil
}

// heatRows is how many rows there can be.
const heatRows = scan.BucketRows * scan.BucketsPerRow / bucketsPerRow

// heatFrom is the least duration of a row.
func heatFrom(row int) uint64 {
	bucket := row * bucketsPerRow
	if bucket < 2*scan.BucketsPerRow {
		return uint64(bucket)
	}
	shift := bucket/scan.BucketsPerRow - 1
	low := uint64(bucket - shift*scan.BucketsPerRow)
	if low > math.MaxUint64>>shift {
		return math.MaxUint64
	}
	return low << shift
}

// bounds is the range of time of q, cut to that of what is stored.
func bounds(snap scan.Snapshot, q *plan.Search) (start, end uint64) {
	start, end = math.MaxUint64, 0
	for _, s := range snap.Sources() {
		if lo, hi := s.Bounds(); s.SpanCount() > 0 {
			start, end = min(start, lo), max(end, hi)
		}
	}
	if end < math.MaxUint64 {
		end++
	}
	if q.Start > 0 {
		start = q.Start
	}
	if q.End != plan.All {
		end = q.End
	}
	return min(start, end), end
}

// heatSum counts spans. It belongs to one goroutine.
type heatSum struct {
	start, step    uint64
	columns        int
	counts, errors [heatRows][]uint64
	rows           scan.Rows
	weights        exec.RowWeights
}

func (h *heatSum) add(s *exec.Selection) error {
	h.weights.Begin()
	return s.Runs(func(lo, hi int) error {
		if err := s.Block.Rows(lo, hi, scan.ColStart|scan.ColDuration|scan.ColStatus, &h.rows); err != nil {
			return err
		}
		weights, err := h.weights.Read(s.Block, lo, hi)
		if err != nil {
			return err
		}
		sel := s.Rows[0]
		for row := sel.Next(lo); row >= 0 && row < hi; row = sel.Next(row + 1) {
			i := row - lo
			n := scan.DurationBucket(h.rows.Duration[i]) / bucketsPerRow
			if h.counts[n] == nil {
				h.counts[n], h.errors[n] = make([]uint64, h.columns), make([]uint64, h.columns)
			}
			// A span may start at the very end of time, which no range ends after.
			at := min((h.rows.Start[i]-h.start)/h.step, uint64(h.columns)-1)
			weight := weightOf(weights, i)
			h.counts[n][at] += weight
			if h.rows.Status[i] == telemetry.StatusError {
				h.errors[n][at] += weight
			}
		}
		return nil
	})
}

// weightOf is the weight of row i of those read.
func weightOf(weights []uint64, i int) uint64 {
	if weights == nil {
		return 1
	}
	return weights[i]
}

// addUp adds x to sum; both are nil where they are all 0.
func addUp(sum, x []uint64) []uint64 {
	if sum == nil {
		return x
	}
	for i, n := range x {
		sum[i] += n
	}
	return sum
}

func sum(of []uint64) (n uint64) {
	for _, x := range of {
		n += x
	}
	return n
}
