package segment

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Rows implements [scan.Block].
func (b *block) Rows(lo, hi int, want scan.Columns, dst *scan.Rows) error {
	if err := b.checkRange(lo, hi); err != nil {
		return err
	}
	resetRows(dst)
	d, err := b.dir()
	if err != nil {
		return err
	}
	if want&scan.ColTraceID != 0 {
		if err := b.traceIDs(lo, hi, dst); err != nil {
			return err
		}
	}
	for p := lo / b.r.footer.pageRows; lo < hi; p++ {
		first, last := b.pageRows(p)
		if err := b.pageOfRows(d, p, lo-first, min(hi, last)-first, want, dst); err != nil {
			return err
		}
		lo = last
	}
	return nil
}

func resetRows(dst *scan.Rows) {
	dst.TraceID, dst.SpanID, dst.ParentID = dst.TraceID[:0], dst.SpanID[:0], dst.ParentID[:0]
	dst.Start, dst.Duration = dst.Start[:0], dst.Duration[:0]
	dst.Kind, dst.Status = dst.Kind[:0], dst.Status[:0]
	dst.Name, dst.Service = dst.Name[:0], dst.Service[:0]
}

func (b *block) traceIDs(lo, hi int, dst *scan.Rows) error {
	t, err := b.traces()
	if err != nil || lo == hi {
		return err
	}
	for i := t.at(lo); lo < hi; i++ {
		id := t.id(i)
		for end := min(t.end(i), hi); lo < end; lo++ {
			dst.TraceID = append(dst.TraceID, id)
		}
	}
	return nil
}

// pageOfRows appends rows [lo, hi) of page p, counted from the page's first.
func (b *block) pageOfRows(d *directory, p, lo, hi int, want scan.Columns, dst *scan.Rows) error {
	if want&scan.ColSpanID != 0 {
		v, err := b.fixedValues(d, kindSpanID, p, hi)
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			dst.SpanID = append(dst.SpanID, v.id(i))
		}
	}
	if want&scan.ColParentID != 0 {
		var err error
		if dst.ParentID, err = b.parents(d, p, lo, hi, dst.ParentID); err != nil {
			return err
		}
	}
	if want&scan.ColStart != 0 {
		v, err := b.cursor(d.byKind[kindStart], p, rowsNeeded(lo, hi))
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			dst.Start = append(dst.Start, v.num(i))
		}
	}
	if want&scan.ColDuration != 0 {
		if err := b.durations(d, p, lo, hi, dst); err != nil {
			return err
		}
	}
	return b.codedRows(d, p, lo, hi, want, dst)
}

func (b *block) codedRows(d *directory, p, lo, hi int, want scan.Columns, dst *scan.Rows) error {
	if want&scan.ColKind != 0 {
		v, err := b.cursor(d.byKind[kindKind], p, rowsNeeded(lo, hi))
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			dst.Kind = append(dst.Kind, telemetry.Kind(v.code(i)))
		}
	}
	if want&scan.ColStatus != 0 {
		v, err := b.cursor(d.byKind[kindStatus], p, rowsNeeded(lo, hi))
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			dst.Status = append(dst.Status, telemetry.Status(v.code(i)))
		}
	}
	if want&scan.ColName != 0 {
		v, err := b.cursor(d.byKind[kindName], p, rowsNeeded(lo, hi))
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			dst.Name = append(dst.Name, v.str(i))
		}
	}
	if want&scan.ColService == 0 {
		return nil
	}
	e, err := b.resources(d)
	if err != nil {
		return err
	}
	v, err := b.cursor(d.byKind[kindResource], p, rowsNeeded(lo, hi))
	if err != nil {
		return err
	}
	for i := lo; i < hi; i++ {
		dst.Service = append(dst.Service, e.list[v.code(i)].service)
	}
	return nil
}

// durations appends what telemetry.Span.Duration says.
func (b *block) durations(d *directory, p, lo, hi int, dst *scan.Rows) error {
	v, err := b.cursor(d.byKind[kindDuration], p, rowsNeeded(lo, hi))
	if err != nil {
		return err
	}
	end, err := b.fixedValues(d, kindEnd, p, hi)
	if err != nil {
		return err
	}
	if end.page == nil && end.code(0) == endAfter && v.info.enc == encPlain {
		dst.Duration = v.page.appendNums(dst.Duration, lo-v.first, hi-v.first)
		return nil
	}
	for i := lo; i < hi; i++ {
		n := v.num(i)
		if end.code(i) != endAfter {
			n = 0
		}
		dst.Duration = append(dst.Duration, n)
	}
	return nil
}

// parents appends the parent ids of rows [lo, hi) of page p. A parent may
// lie in an earlier page.
func (b *block) parents(d *directory, p, lo, hi int, dst []telemetry.SpanID) ([]telemetry.SpanID, error) {
	v, err := b.fixedValues(d, kindParent, p, hi)
	if err != nil {
		return nil, err
	}
	var raw values
	rawAt := 0
	if d.byKind[kindParentRaw] != nil {
		if raw, err = b.values(d.byKind[kindParentRaw], p); err != nil {
			return nil, err
		}
		for i := range lo {
			if v.code(i) == 1 {
				rawAt++
			}
		}
	}
	ids, err := b.fixedValues(d, kindSpanID, p, hi)
	if err != nil {
		return nil, err
	}
	first, _ := b.pageRows(p)
	idsPage := p
	dst = slices.Grow(dst, hi-lo)
	for i := lo; i < hi; i++ {
		code := v.code(i)
		switch {
		case code == 0:
			dst = append(dst, telemetry.SpanID{})
			continue
		case code == 1:
			if raw.page == nil || !raw.has(rawAt+1) {
				return nil, b.corruptPage(d.byKind[kindParent], p)
			}
			dst = append(dst, raw.id(rawAt))
			rawAt++
			continue
		}
		row := first + i - int(code-1)
		if row < 0 {
			return nil, b.corruptPage(d.byKind[kindParent], p)
		}
		if q := row / b.r.footer.pageRows; q != idsPage {
			from, to := b.pageRows(q)
			if ids, err = b.fixedValues(d, kindSpanID, q, to-from); err != nil {
				return nil, err
			}
			idsPage = q
		}
		dst = append(dst, ids.id(row%b.r.footer.pageRows))
	}
	return dst, nil
}
