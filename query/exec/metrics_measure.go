package exec

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// measure makes series of the spans of a pipeline. Blocks are dealt to as many
// goroutines as there are processors; each adds up on its own.
func (m *metrics) measure(x *traceql.Metrics) ([]Series, error) {
	if x.Compare != nil {
		return m.compare(x)
	}
	p := plan.SpanMetrics(x)
	meters := make([]*meter, workers(m.blocks))
	for i := range meters {
		meters[i] = newMeter(m, p, m.limits.Memory/len(meters))
	}
	deal(m.blocks, len(meters), func(worker int, b scan.Block) bool { return meters[worker].visit(b) })
	began := m.clock()
	defer func() { m.took(stepCombine, began) }()
	sum := meters[0]
	for _, other := range meters {
		m.join(other.run)
		if other != sum {
			sum.merge(other)
		}
	}
	if _, err := m.more(); err != nil {
		return nil, err
	}
	switch n := len(sum.groups.values); {
	case sum.groups.full && n >= m.limits.Series:
		m.tooMany(n, "series")
	case sum.groups.full:
		m.incomplete(fmt.Sprintf("the series take more than %d bytes of memory", m.limits.Memory))
	}
	return sum.series(), nil
}

// meter adds up blocks. It belongs to one goroutine at a time.
type meter struct {
	selector
	groups    grouper
	exemplars exemplars
	cells     cells
	memory    int          // bytes that cells may take
	fields    []scan.Field // that decide about a span, where a digest may

	// Of the block at hand.
	weights weights
	numbers numbers
	rows    scan.Rows
	picked  []uint32 // rows of the run, from its first
	spans   addition
}

func newMeter(m *metrics, p *plan.Metrics, memory int) *meter {
	w := &meter{selector: newSelector(m, p), cells: newCells(p.Func), memory: memory, weights: newWeights(m.hints)}
	w.exemplars = newExemplars(w.grid, m.exemplars)
	most := min(m.limits.Series, memory/(w.cells.each()*w.grid.points+48*w.exemplars.slices))
	w.groups = newGrouper(p.By, max(most, 1))
	w.groups.absent = func(i int, v GroupValue) bool {
		f := p.By[i]
		if f.Trace != traceql.TraceNone { // a name is never nil
			return f.Trace == traceql.TraceRootService && v.Value.Str() == ""
		}
		return absent(f.Field, v.Value)
	}
	w.numbers.of = p.X
	w.fields = append(plan.Fields(p.Filter), traceStateField)
	for _, f := range p.By {
		w.fields = append(w.fields, f.Field)
	}
	if len(p.By) == 0 && !p.Func.HasArgument() { // there is a series even if there is no span
		w.groups.groupOf(nil)
		w.growAll()
	}
	return w
}

// visit adds a block; false means that the query is to end.
func (w *meter) visit(b scan.Block) bool {
	w.scanned(b)
	began := w.clock()
	err := w.addDigest(b)
	if errors.Is(err, errNoDigest) {
		err = w.addBlock(b)
	} else {
		w.took(stepDigest, began)
	}
	if errors.Is(err, scan.ErrStopped) {
		return false
	}
	if err != nil {
		w.damaged("add up block", err)
	}
	return !w.late()
}

func (w *meter) addBlock(b scan.Block) error {
	sel := w.filter.get()
	defer w.filter.put(sel)
	from, err := w.selector.rows(b, sel)
	if err != nil {
		return err
	}
	w.groups.begin()
	w.weights.begin()
	w.numbers.begin()
	lo, hi := b.Bounds()
	lo, hi = max(lo, w.grid.start), min(hi, w.grid.end-1)
	first, last := w.grid.interval(lo)
	want := scan.Columns(0)
	if hi > last || w.exemplars.slices > 0 {
		want = scan.ColStart
	}
	began := w.clock()
	defer func() { w.took(stepAdd, began) }()
	return w.filter.runs(sel, func(lo, hi int, words []uint64) error {
		if err := b.Rows(lo, hi, want, &w.rows); err != nil {
			return err
		}
		if err := w.groups.read(from, lo, hi); err != nil {
			return err
		}
		if err := w.pick(from, lo, hi, words); err != nil {
			return err
		}
		w.place(first)
		return w.add(from, lo, hi)
	})
}

// pick lists the rows of a run to add, which words say, without those for
// which the function's argument is no number.
func (w *meter) pick(from *columns, lo, hi int, words []uint64) error {
	w.picked = appendRows(w.picked[:0], words)
	if w.of.X == nil {
		return nil
	}
	var err error
	w.picked, w.spans.values, err = w.numbers.read(from, lo, hi, w.picked, w.spans.values[:0])
	return err
}

// place finds the cells of the rows picked, and forgets those beyond the
// limit on groups. interval is that of all rows where their starts have not
// been read.
func (w *meter) place(interval int) {
	kept := w.picked[:0]
	w.spans.cells = w.spans.cells[:0]
	var from, last uint64 // the starts of the interval; none yet
	for k, i := range w.picked {
		at, ok := w.groups.slots.first(w.groups.keys[i])
		if !ok {
			if at = w.groups.slot(w.groups.keys[i]); at == noGroup {
				continue
			}
			w.growAll()
		}
		if len(w.rows.Start) > 0 {
			if start := w.rows.Start[i]; start < from || start > last {
				interval, last = w.grid.interval(start)
				from = w.grid.start + uint64(interval)*w.grid.step
			}
		}
		if len(kept) < k && w.of.X != nil {
			w.spans.values[len(kept)] = w.spans.values[k]
		}
		kept = append(kept, i)
		w.spans.cells = append(w.spans.cells, (at-1)*uint32(w.grid.points)+uint32(interval))
	}
	w.picked, w.spans.values = kept, w.spans.values[:min(len(kept), len(w.spans.values))]
}

func (w *meter) add(from *columns, lo, hi int) (err error) {
	if w.spans.weights, err = w.weights.read(from, lo, hi, w.picked); err != nil {
		return err
	}
	if w.cells.size() > w.memory { // of histograms alone: most bounds the others
		w.groups.full = true
		return nil
	}
	w.cells.add(&w.spans)
	for k := 0; k < len(w.picked) && w.exemplars.slices > 0; k++ {
		i, value := w.picked[k], 0.0
		if w.of.X != nil {
			value = w.spans.values[k]
		}
		if err := w.exemplars.consider(from, lo+int(i), int(w.spans.cells[k])/w.grid.points, w.rows.Start[i], value); err != nil {
			return err
		}
	}
	return nil
}

// growAll makes room for all groups.
func (w *meter) growAll() {
	w.cells.grow(len(w.groups.values) * w.grid.points)
	w.exemplars.grow(len(w.groups.values))
}

// merge adds what other holds.
func (w *meter) merge(other *meter) {
	w.groups.full = w.groups.full || other.groups.full
	for i, values := range other.groups.values {
		at := w.groups.groupOf(values)
		if at == noGroup {
			continue
		}
		w.growAll()
		w.exemplars.merge(int(at-1), &other.exemplars, i)
		for n := range w.grid.points {
			w.cells.merge(int(at-1)*w.grid.points+n, other.cells, i*w.grid.points+n)
		}
	}
}

// series are what the function tells of the cells.
func (w *meter) series() (out []Series) {
	unit := 1.0
	if w.of.X != nil && traceql.IsDuration(w.of.X) {
		unit = 1e9
	}
	scale := 1 / w.share
	switch w.of.Func {
	case traceql.MinOverTime, traceql.MaxOverTime, traceql.AvgOverTime, traceql.QuantileOverTime:
		scale = 1
	}
	for i, values := range w.groups.values {
		labels := make([]Label, len(values))
		for k, v := range values {
			labels[k] = Label{w.of.By[k].String(), v}
		}
		of := w.seriesOf(i*w.grid.points, labels, unit)
		for _, s := range of {
			for i := range s.Points {
				s.Points[i] *= scale
			}
		}
		w.tell(i, of, unit)
		out = append(out, of...)
	}
	return out
}

// seriesOf are those of the group whose cells begin at first.
func (w *meter) seriesOf(first int, labels []Label, unit float64) (out []Series) {
	line := func(labels []Label, f func(cell int) float64) {
		s := Series{Labels: labels, Points: make([]float64, w.grid.points)}
		for i := range s.Points {
			s.Points[i] = f(first + i)
		}
		out = append(out, s)
	}
	switch c := w.cells.(type) {
	case *counts:
		line(labels, func(cell int) float64 {
			if w.of.Func == traceql.Rate {
				return c.of[cell] / w.grid.seconds(cell-first)
			}
			return c.of[cell]
		})
	case *extremes:
		line(labels, func(cell int) float64 { return c.of[cell] / unit })
	case *sums:
		line(labels, func(cell int) float64 {
			s := &c.of[cell]
			total := (s.total + s.rest) / unit
			switch {
			case s.weight == 0:
				return math.NaN()
			case w.of.Func == traceql.AvgOverTime:
				return finite(total / s.weight)
			}
			return finite(total)
		})
	case *spreads:
		if w.of.Func == traceql.HistogramOverTime {
			return w.histograms(c, first, labels, unit)
		}
		for _, q := range w.of.Quantiles {
			line(withNumber(labels, LabelQuantile, q), func(cell int) float64 { return c.quantile(&c.of[cell], q) / unit })
		}
	default:
		panic(fmt.Sprintf("exec: no series of %T", c))
	}
	return out
}

// histograms are the series of a group by bucket.
func (w *meter) histograms(c *spreads, first int, labels []Label, unit float64) (out []Series) {
	used := map[int][]float64{}
	for n := range w.grid.points {
		c.buckets(&c.of[first+n], func(bucket int, count float64) bool {
			if used[bucket] == nil {
				used[bucket] = make([]float64, w.grid.points)
			}
			used[bucket][n] = count
			return true
		})
	}
	for bucket, points := range used {
		out = append(out, Series{Labels: withNumber(labels, LabelBucket, powerBound(bucket)/unit), Points: points})
	}
	return out
}

// withNumber is labels and one more.
func withNumber(labels []Label, name string, x float64) []Label {
	return append(slices.Clip(labels), Label{name, GroupValue{true, telemetry.DoubleValue(x)}})
}
