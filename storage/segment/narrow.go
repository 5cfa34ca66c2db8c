package segment

import (
	"math/bits"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Narrow implements [scan.Block].
func (b *block) Narrow(p *scan.Predicate, sel *scan.Bitmap) error {
	if sel.Empty() {
		return nil
	}
	d, err := b.dir()
	if err != nil {
		return err
	}
	switch p.Field.Scope {
	case scan.ScopeIntrinsic:
		return b.narrowIntrinsic(d, p, sel)
	case scan.ScopeResource:
		keep, err := b.judgeResources(d, p)
		if err != nil {
			return err
		}
		return b.narrowCodes(d, kindResource, keep, sel)
	case scan.ScopeInstrumentation:
		e, err := b.scopes(d)
		if err != nil {
			return err
		}
		return b.narrowCodes(d, kindScope, judgeEach(len(e.batch.Scopes), func(i int) bool {
			return holdsAttr(p, &e.batch, e.batch.Scopes[i].Attrs)
		}), sel)
	case scan.ScopeSpan, scan.ScopeAny:
		return b.narrowAttr(d, p, sel)
	case scan.ScopeEvent:
		return b.narrowElements(d, spaceEvent, p, sel)
	case scan.ScopeLink:
		return b.narrowElements(d, spaceLink, p, sel)
	}
	sel.ClearAll()
	return nil
}

func (b *block) narrowIntrinsic(d *directory, p *scan.Predicate, sel *scan.Bitmap) error {
	switch p.Field.Intrinsic {
	case scan.IntrinsicName:
		return b.narrowColumn(d, kindName, p, sel)
	case scan.IntrinsicKind:
		return b.narrowColumn(d, kindKind, p, sel)
	case scan.IntrinsicStatus:
		return b.narrowColumn(d, kindStatus, p, sel)
	case scan.IntrinsicStatusMessage:
		return b.narrowColumn(d, kindMessage, p, sel)
	case scan.IntrinsicTraceState:
		return b.narrowColumn(d, kindTraceState, p, sel)
	case scan.IntrinsicStart:
		return b.narrowColumn(d, kindStart, p, sel)
	case scan.IntrinsicDuration:
		return b.narrowDuration(d, p, sel)
	case scan.IntrinsicTraceID, scan.IntrinsicSpanID, scan.IntrinsicParentID:
		return b.narrowID(d, p, sel)
	case scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		e, err := b.scopes(d)
		if err != nil {
			return err
		}
		return b.narrowCodes(d, kindScope, judgeEach(len(e.batch.Scopes), func(i int) bool {
			if p.Field.Intrinsic == scan.IntrinsicScopeName {
				return p.Holds(telemetry.StringValue(e.batch.Scopes[i].Name))
			}
			return p.Holds(telemetry.StringValue(e.batch.Scopes[i].Version))
		}), sel)
	case scan.IntrinsicEventName:
		return b.narrowElements(d, spaceEvent, p, sel)
	}
	sel.ClearAll()
	return nil
}

// eachPage calls f for every page with selected rows, with its rows' words,
// until stop is closed.
func (b *block) eachPage(stop <-chan struct{}, sel *scan.Bitmap, f func(p int, words []uint64) error) error {
	all := sel.Words()
	n := b.r.footer.pageRows / 64
	for p := 0; p*n < len(all); p++ {
		words := all[p*n : min(p*n+n, len(all))]
		if !slices.ContainsFunc(words, func(w uint64) bool { return w != 0 }) {
			continue
		}
		select {
		case <-stop:
			return scan.ErrStopped
		default:
		}
		if err := f(p, words); err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls keep for each selected row, counted from the first of words,
// and clears those for which it is false.
func eachRow(words []uint64, keep func(i int) bool) {
	for w, word := range words {
		for left := word; left != 0; left &= left - 1 {
			k := bits.TrailingZeros64(left)
			if !keep(w*64 + k) {
				word &^= 1 << k
			}
		}
		words[w] = word
	}
}

// narrowColumn narrows by a column that every span has.
func (b *block) narrowColumn(d *directory, k kind, p *scan.Predicate, sel *scan.Bitmap) error {
	if p.Op == scan.OpAbsent {
		sel.ClearAll()
		return nil
	}
	j, err := newJudge(b, d.byKind[k], p)
	switch {
	case err != nil || j.every:
		return err
	case j.never:
		sel.ClearAll()
		return nil
	}
	return b.eachPage(p.Stop, sel, func(p int, words []uint64) error {
		lo, hi := b.pageRows(p)
		if err := j.open(p); err != nil {
			return err
		}
		switch {
		case !j.v.has(hi - lo):
			return b.corruptPage(j.info, p)
		case j.keep != nil && j.v.page.codes.Len() == hi-lo:
			j.v.page.codes.Narrow(words, j.keep)
		case j.ranged && j.info.enc == encPlain && len(j.v.page.nums) == hi-lo:
			narrowRange(j.v.page.nums, words, uint64(j.low), j.span)
		default:
			eachRow(words, j.holds)
		}
		return nil
	})
}

// narrowRange keeps the rows whose value is in [low, low+span].
func narrowRange(nums, words []uint64, low, span uint64) {
	for w := range words {
		if words[w] == 0 {
			continue
		}
		var m uint64
		for k, v := range nums[w*64 : min(w*64+64, len(nums))] {
			if v-low <= span {
				m |= 1 << k
			}
		}
		words[w] &= m
	}
}

// narrowDuration is narrowColumn, but for spans that have no end or end
// before they start: their duration is 0, whatever the column says.
func (b *block) narrowDuration(d *directory, p *scan.Predicate, sel *scan.Bitmap) error {
	if end := d.byKind[kindEnd]; end.enc == encConst && end.low == endAfter {
		return b.narrowColumn(d, kindDuration, p, sel)
	}
	return b.eachPage(p.Stop, sel, func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		var rows scan.Rows
		if err := b.durations(d, page, 0, hi-lo, &rows); err != nil {
			return err
		}
		eachRow(words, func(i int) bool { return p.Holds(telemetry.IntValue(int64(rows.Duration[i]))) })
		return nil
	})
}

func (b *block) narrowID(d *directory, p *scan.Predicate, sel *scan.Bitmap) error {
	return b.eachPage(p.Stop, sel, func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		var rows scan.Rows
		var err error
		switch p.Field.Intrinsic {
		case scan.IntrinsicTraceID:
			err = b.traceIDs(lo, hi, &rows)
		case scan.IntrinsicSpanID:
			err = b.pageOfRows(d, page, 0, hi-lo, scan.ColSpanID, &rows)
		default:
			err = b.pageOfRows(d, page, 0, hi-lo, scan.ColParentID, &rows)
		}
		if err != nil {
			return err
		}
		eachRow(words, func(i int) bool {
			switch p.Field.Intrinsic {
			case scan.IntrinsicTraceID:
				return p.Holds(telemetry.BytesValue(text(rows.TraceID[i][:])))
			case scan.IntrinsicSpanID:
				return p.Holds(telemetry.BytesValue(text(rows.SpanID[i][:])))
			}
			return p.Holds(telemetry.BytesValue(text(rows.ParentID[i][:])))
		})
		return nil
	})
}

// judgeEach is a table of n verdicts.
func judgeEach(n int, holds func(i int) bool) []byte {
	keep := make([]byte, n)
	for i := range keep {
		keep[i] = one(holds(i))
	}
	return keep
}

// judgeResources decides p for each distinct resource.
func (b *block) judgeResources(d *directory, p *scan.Predicate) ([]byte, error) {
	e, err := b.resources(d)
	if err != nil {
		return nil, err
	}
	return judgeEach(len(e.batch.Resources), func(i int) bool {
		return holdsAttr(p, &e.batch, e.batch.Resources[i].Attrs)
	}), nil
}

func holdsAttr(p *scan.Predicate, b *telemetry.Batch, r telemetry.Range) bool {
	v, ok := b.Lookup(r, p.Field.Key)
	if !ok {
		return p.Op == scan.OpAbsent
	}
	return p.Holds(v)
}

// narrowCodes narrows by a table of verdicts on the codes of a column.
func (b *block) narrowCodes(d *directory, k kind, keep []byte, sel *scan.Bitmap) error {
	sum := 0
	for _, v := range keep {
		sum += int(v)
	}
	switch sum {
	case 0:
		sel.ClearAll()
		return nil
	case len(keep):
		return nil
	}
	c := d.byKind[k]
	if c.constant() {
		if keep[c.low] == 0 {
			sel.ClearAll()
		}
		return nil
	}
	return b.eachPage(nil, sel, func(p int, words []uint64) error {
		lo, hi := b.pageRows(p)
		pg, err := b.page(c, p)
		if err != nil {
			return err
		}
		if pg.n != hi-lo {
			return b.corruptPage(c, p)
		}
		pg.codes.Narrow(words, keep)
		return nil
	})
}
