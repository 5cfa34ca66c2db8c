package exec

import (
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// traces clears the rows of a block that are not of the pipeline's results,
// which it evaluates on whole traces, and reads for the others what only
// traces tell. A trace in several blocks is evaluated for each of them.
func (s *selector) traces(from *columns, sel *scan.Bitmap) error {
	open := sel
	if q, ok := askRoot(s.of); ok {
		open = s.filter.get()
		defer s.filter.put(open)
		open.Reset(sel.Len(), false)
		if err := s.roots(q, from.Block, sel, open); err != nil || open.Empty() {
			return err
		}
	}
	byTrace, err := tracesOf(from.Block, open)
	if err != nil {
		return err
	}
	from.ofTrace = map[traceql.Field]*rowValues{}
	for _, f := range s.of.By {
		if f.Trace != traceql.TraceNone {
			from.ofTrace[f] = newRowValues(from.Len())
		}
	}
	if s.of.X != nil && asksTrace(s.of.X) {
		from.number = newRowValues(from.Len())
	}
	if len(byTrace) >= cachedTraces {
		if err := s.cache.begin(from.Block); err != nil {
			return err
		}
		defer s.cache.end()
	}
	for id, rows := range byTrace {
		if s.late() {
			return scan.ErrStopped
		}
		if err := s.trace(id, rows, from, sel); err != nil {
			return err
		}
	}
	return nil
}

func asksTrace(x traceql.Value) (asks bool) {
	traceql.WalkValue(x, func(f traceql.Field) { asks = asks || f.Trace != traceql.TraceNone })
	return asks
}

// trace is traces for one trace, with its rows of sel.
func (s *selector) trace(id telemetry.TraceID, rows []int, from *columns, sel *scan.Bitmap) error {
	t, err := from.Block.Trace(rows[0])
	if err != nil {
		return err
	}
	v := s.whole(id, piece{from.Block, t.Lo, t.Hi})
	sets, err := v.sets(s.plan)
	if err != nil {
		return err
	}
	result := &scan.Bitmap{}
	result.Reset(len(v.rows), false)
	for _, set := range sets {
		result.Or(set.rows)
	}
	told := map[*rowValues]*rowValues{} // by what of the block it fills
	for f, of := range from.ofTrace {
		if told[of], err = v.column(f); err != nil {
			return err
		}
	}
	if from.number != nil {
		if told[from.number], err = v.value(s.of.X, nil); err != nil {
			return err
		}
	}
	var selected *scan.Bitmap
	if s.of.Compare != nil && plan.HasTraceLeaves(s.of.Selection) {
		selected = v.copy(result)
		if err := v.narrow(s.of.Selection, selected); err != nil {
			return err
		}
	}
	kept := s.kept[:0]
	first := 0 // row of the trace
	for _, p := range v.pieces {
		for i := p.lo; p.block == from.Block && i < p.hi; i++ {
			at := first + i - p.lo
			if !sel.Get(i) || !result.Get(at) {
				continue
			}
			kept = append(kept, i)
			if selected != nil && !selected.Get(at) {
				from.selected.Clear(i)
			}
			for of, have := range told {
				of.values[i], of.has[i] = have.values[at], have.has[at]
			}
		}
		first += p.hi - p.lo
	}
	for _, i := range rows {
		sel.Clear(i)
	}
	for _, i := range kept {
		sel.Set(i)
	}
	s.kept = kept
	return nil
}
