package exec

import (
	"errors"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// errNoDigest says that a block's rows are to be read.
var errNoDigest = errors.New("no digest")

// wholeDurations are those below it: as numbers of a metrics function they are
// what they are.
const wholeDurations = 1 << 53

// addDigest adds what the block knows of its spans, if all of them started in
// the range of time and that is all that matters.
func (w *meter) addDigest(b scan.Block) error {
	known, ok := b.(scan.Digester)
	from, to := b.Bounds()
	if !ok || from < w.grid.start || to >= w.grid.end || !w.digestible() {
		return errNoDigest
	}
	q := scan.DigestQuery{Fields: w.fields, Durations: w.of.X != nil}
	interval, last := w.grid.interval(from)
	if to > last {
		q.Phase, q.Step = w.grid.start%w.grid.step, w.grid.step
	}
	d, err := known.Digest(q)
	if d == nil || err != nil { // where that is damaged there may be rows to read
		return errNoDigest
	}
	if slices.ContainsFunc(d.Max, func(x uint64) bool { return q.Durations && x >= wholeDurations }) {
		return errNoDigest
	}
	n := d.Cells.Len()
	sel := w.filter.get()
	defer w.filter.put(sel)
	sel.Reset(n, true)
	if err := w.narrowCells(d.Cells, sel); err != nil {
		return err
	}
	w.groups.begin()
	w.weights.begin()
	cells := &columns{Block: d.Cells, filter: &w.filter}
	if err := w.groups.read(cells, 0, n); err != nil {
		return err
	}
	w.picked = w.picked[:0]
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		w.picked = append(w.picked, uint32(i))
	}
	w.rows.Start = append(w.rows.Start[:0], d.Starts...)
	w.place(interval)
	if w.spans.weights, err = w.weights.read(cells, 0, n, w.picked); err != nil {
		return err
	}
	for k, i := range w.picked {
		w.addCell(k, d, i)
		w.matchedSpans += uint64(d.Spans[i])
	}
	return nil
}

// narrowCells applies the filter to cells: rows that an explanation does not
// count.
func (w *meter) narrowCells(cells scan.Block, sel *scan.Bitmap) error {
	leaves := w.filter.leaves
	w.filter.leaves = nil
	defer func() { w.filter.leaves = leaves }()
	return w.filter.narrow(w.of.Filter, cells, sel)
}

// digestible reports whether counts, extremes and histograms of durations are
// enough.
func (w *meter) digestible() bool {
	if w.of.OfTrace || w.exemplars.slices > 0 || w.share < 1 {
		return false
	}
	switch w.of.Func {
	case traceql.Rate, traceql.CountOverTime:
		return true
	case traceql.MinOverTime, traceql.MaxOverTime, traceql.QuantileOverTime, traceql.HistogramOverTime:
		ref, ok := w.of.X.(*traceql.FieldRef)
		return ok && ref.Field == traceql.Field{Field: scan.Field{Intrinsic: scan.IntrinsicDuration}}
	}
	return false
}

// addCell adds cell i of a digest, which was picked as the k'th.
func (w *meter) addCell(k int, d *scan.Digest, i uint32) {
	at, weight := w.spans.cells[k], w.spans.weight(k)
	switch c := w.cells.(type) {
	case *counts:
		c.of[at] += weight * float64(d.Spans[i])
	case *extremes:
		if w.of.Func == traceql.MinOverTime {
			c.one(at, float64(d.Min[i]))
		} else {
			c.one(at, float64(d.Max[i]))
		}
	case *spreads:
		if c.size() > w.memory {
			w.groups.full = true
			return
		}
		c.addDurations(at, d.Min[i], d.Max[i], d.Histograms[i], weight)
	}
}
