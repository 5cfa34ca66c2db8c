package segment

import (
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// byCode decides by a table of verdicts on the codes of a column that every
// span has.
func (b *block) byCode(c *columnInfo, keep []byte) decision {
	if keep == nil {
		return decision{}
	}
	if c.derived {
		keep = judgeEach(len(c.byForm), func(form int) bool { return keep[c.byForm[form]] != 0 })
		c = c.form
	}
	sum := 0
	for _, v := range keep {
		sum += int(v)
	}
	switch {
	case sum == 0 || sum == len(keep):
		return settled(sum > 0, scan.ByDictionary)
	case c.constant():
		return settled(keep[c.low] != 0, scan.ByBounds)
	}
	return decision{cost: costCodes, share: float64(sum) / float64(len(keep)), page: func(p int, words []uint64) error {
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
	}}
}

// decideColumn decides by a column that every span has.
func (b *block) decideColumn(c *columnInfo, p *scan.Predicate) (decision, error) {
	if p.Op == scan.OpAbsent {
		return settled(false, scan.ByAbsence), nil
	}
	j, err := newJudge(b, c, p)
	switch {
	case err != nil:
		return decision{}, err
	case j.every || j.never:
		return settled(j.every, j.by), nil
	case j.keep != nil:
		return b.byCode(c, j.keep), nil
	}
	return decision{cost: j.cost(), share: j.share(), page: func(p int, words []uint64) error {
		lo, hi := b.pageRows(p)
		if err := j.open(p); err != nil {
			return err
		}
		switch {
		case !j.v.has(hi - lo):
			return b.corruptPage(j.info, p)
		case j.ranged && j.info.enc == encPlain && len(j.v.page.nums) == hi-lo:
			narrowRange(j.v.page.nums, words, uint64(j.low), j.span)
		case j.ranged && j.info.enc == encPlain && len(j.v.page.small) == hi-lo:
			narrowRange(j.v.page.small, words, uint64(j.low), j.span)
		default:
			eachRow(words, j.holds)
		}
		return nil
	}}, nil
}

// narrowRange keeps the rows whose value is in [low, low+span].
func narrowRange[T uint32 | uint64](nums []T, words []uint64, low, span uint64) {
	for w := range words {
		if words[w] == 0 {
			continue
		}
		var m uint64
		for k, v := range nums[w*64 : min(w*64+64, len(nums))] {
			if uint64(v)-low <= span {
				m |= 1 << k
			}
		}
		words[w] &= m
	}
}

// decideDuration is decideColumn, but for spans that have no end or end
// before they start: their duration is 0, whatever the column says.
func (b *block) decideDuration(d *directory, p *scan.Predicate) (decision, error) {
	if end := d.byKind[kindEnd]; end.enc == encConst && end.low == endAfter {
		return b.decideColumn(d.byKind[kindDuration], p)
	}
	return decision{cost: costNumbers, share: 0.5, page: func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		var rows scan.Rows
		if err := b.durations(d, page, 0, hi-lo, &rows); err != nil {
			return err
		}
		eachRow(words, func(i int) bool { return p.Holds(telemetry.IntValue(int64(rows.Duration[i]))) })
		return nil
	}}, nil
}

func (b *block) decideID(d *directory, p *scan.Predicate) decision {
	return decision{cost: costNumbers, share: 1 / float64(b.info.rows), page: func(page int, words []uint64) error {
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
	}}
}
