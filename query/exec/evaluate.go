package exec

import (
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// evaluate fills the part of a summary that says what of the trace satisfies
// the plan, and the search's result. Relations and counts are those of the
// whole trace; the spans of the result are those that started within the range
// of the search.
func (s *search) evaluate(v *view) error {
	sets, err := v.sets(s.plan)
	if err != nil {
		return err
	}
	all := &scan.Bitmap{}
	all.Reset(len(v.rows), false)
	for i := range sets {
		v.within(s.plan, sets[i].rows)
		all.Or(sets[i].rows)
	}
	sum := v.trace()
	sum.Matched = all.Count()
	s.result, s.pieces = all, v.pieces
	for _, set := range nonEmpty(sets) {
		if s.plan.SetSpans == 0 {
			break
		}
		out, err := v.describe(&set, s.plan)
		if err != nil {
			return err
		}
		sum.Sets = append(sum.Sets, out)
	}
	return nil
}

// sets is what the plan selects.
func (v *view) sets(p *plan.Search) ([]spanset, error) {
	if p.Spans != nil {
		return v.pipeline(p.Spans.Pipeline, &v.present)
	}
	rows, err := v.holds(p.Filter)
	return nonEmpty([]spanset{{rows: rows}}), err
}

// within clears the rows that did not start within the range of the search.
func (v *view) within(p *plan.Search, rows *scan.Bitmap) {
	for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
		if at := v.rows[i].start; at < p.Start || at >= p.End && p.End != plan.All {
			rows.Clear(i)
		}
	}
}

// describe tells a spanset.
func (v *view) describe(set *spanset, p *plan.Search) (SpanSet, error) {
	out := SpanSet{Matched: set.rows.Count(), Traits: set.traits}
	rows := v.inOrder(set.rows)
	rows = rows[:min(len(rows), p.SetSpans)]
	for _, i := range rows {
		r := &v.rows[i]
		span := SetSpan{ID: r.id, Start: r.start, Duration: r.duration, Name: r.name, Service: r.service}
		lists := listsOfRow{view: v, row: i}
		for _, f := range p.Fields {
			value, err := lists.value(f)
			if err != nil {
				return out, err
			}
			span.Values = append(span.Values, value)
		}
		out.Spans = append(out.Spans, span)
	}
	return out, nil
}
