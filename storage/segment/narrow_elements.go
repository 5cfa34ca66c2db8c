package segment

import (
	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// decideElements decides by what events or links have, attributes included: a span stays if one of its elements holds, for OpAbsent if none has
// the field.
func (b *block) decideElements(d *directory, s space, p *scan.Predicate) (decision, error) {
	total, countKind := d.events, kindEvents
	if s == spaceLink {
		total, countKind = d.links, kindLinks
	}
	absent := p.Op == scan.OpAbsent
	if total == 0 {
		return settled(absent, scan.ByAbsence), nil
	}
	verdicts, none, by, err := b.elementVerdicts(d, s, p)
	switch {
	case err != nil:
		return decision{}, err
	case none:
		return settled(absent, by), nil
	}
	share := min(float64(total)/float64(d.rows), 0.5)
	return decision{cost: costText, share: share, page: func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		counts, err := b.fixedValues(d, countKind, page, hi-lo)
		if err != nil {
			return err
		}
		firsts := make([]int, hi-lo+1)
		for i := range hi - lo {
			firsts[i+1] = firsts[i] + int(counts.code(i))
		}
		n := firsts[hi-lo]
		if n > total {
			return b.corruptPage(counts.info, page)
		}
		var all []verdict
		if n > 0 {
			if all, err = verdicts(page, n); err != nil {
				return err
			}
		}
		eachRow(words, func(i int) bool {
			for _, v := range all[firsts[i]:firsts[i+1]] {
				if v == holds {
					return !absent
				}
			}
			return absent
		})
		return nil
	}}, nil
}

// elementVerdicts returns the function that decides the first n elements of
// a page; none means that no element holds (for OpAbsent: has the field), which
// by tells how it was found.
func (b *block) elementVerdicts(d *directory, s space, p *scan.Predicate) (f func(page, n int) ([]verdict, error), none bool, by scan.Way, err error) {
	if p.Field.Scope != scan.ScopeIntrinsic {
		k, err := newKeyJudge(b, d, s, p)
		if err != nil {
			return nil, false, 0, err
		}
		if k.none {
			return nil, true, k.way, nil
		}
		if err := k.place(d, p.Field.Key); err != nil {
			return nil, false, 0, err
		}
		all := func(int) bool { return true }
		return func(page, n int) ([]verdict, error) { return k.page(page, n, all) }, false, 0, nil
	}
	exists := *p
	if p.Op == scan.OpAbsent {
		exists.Op = scan.OpExists
	}
	if p.Field.Intrinsic != scan.IntrinsicEventName {
		return b.intrinsicVerdicts(d, &exists), false, 0, nil
	}
	j, err := newJudge(b, d.byKind[kindEventName], &exists)
	if err != nil {
		return nil, false, 0, err
	}
	return func(page, n int) ([]verdict, error) {
		if !j.every {
			if err := j.open(page); err != nil {
				return nil, err
			}
			if !j.v.has(n) {
				return nil, b.corruptPage(j.info, page)
			}
		}
		out := make([]verdict, n)
		for i := range out {
			out[i] = fails + verdict(one(j.holds(i)))
		}
		return out, nil
	}, j.never, j.by, nil
}

// intrinsicVerdicts is elementVerdicts for what every event or link has beside
// its name.
func (b *block) intrinsicVerdicts(d *directory, p *scan.Predicate) func(page, n int) ([]verdict, error) {
	k, size := kindEventTime, 0
	switch p.Field.Intrinsic {
	case scan.IntrinsicLinkTraceID:
		k, size = kindLinkTraceID, len(telemetry.TraceID{})
	case scan.IntrinsicLinkSpanID:
		k, size = kindLinkSpanID, len(telemetry.SpanID{})
	}
	return func(page, n int) ([]verdict, error) {
		v, err := b.fixedValues(d, k, page, n)
		if err != nil {
			return nil, err
		}
		out := make([]verdict, n)
		for i := range out {
			var value telemetry.Value
			if size > 0 {
				value = telemetry.BytesValue(text(v.page.fixed[i*size : (i+1)*size]))
			} else {
				value = telemetry.IntValue(int64(column.Unzigzag(v.num(i))))
			}
			out[i] = fails + verdict(one(p.Holds(value)))
		}
		return out, nil
	}
}
