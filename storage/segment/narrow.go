package segment

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// decision is a predicate made ready for a block.
type decision struct {
	never, every bool     // it holds for no row, for all rows
	by           scan.Way // where one of these is set
	// cost is about what a page takes that is not in the cache, in units of a
	// page of codes, and share the share of rows for which it holds, a guess.
	cost, share float64
	// page clears the rows of page p for which the predicate does not hold.
	page  func(p int, words []uint64) error
	trail *scan.Trail // of the predicate
}

// What a page costs, see decision.
const (
	costCodes   = 1
	costNumbers = 2
	costAttr    = 3  // codes or numbers, and the codes that tell whose they are
	costText    = 12 // looking for a text
	costEach    = 40 // asking for each value
)

// settled is a decision about all rows.
func settled(every bool, by scan.Way) decision {
	return decision{every: every, never: !every, by: by}
}

// rank orders decisions: what is cheap for the pages it leaves nothing of
// comes first.
func (x *decision) rank(pageRows int) float64 {
	return x.cost / (1 - min(x.share*float64(pageRows), 0.99))
}

// Narrow implements [scan.Block]. The predicates are decided page by page, and
// a page that has no rows left is not read further.
func (b *block) Narrow(all []scan.Predicate, sel *scan.Bitmap) error {
	if sel.Empty() || len(all) == 0 {
		return nil
	}
	d, err := b.dir()
	if err != nil {
		return err
	}
	open, never, err := b.decideAll(d, all)
	switch {
	case err != nil:
		return err
	case never:
		sel.ClearAll()
		return nil
	case len(open) == 0:
		return nil
	}
	rows := b.r.footer.pageRows
	slices.SortStableFunc(open, func(x, y decision) int { return cmp.Compare(x.rank(rows), y.rank(rows)) })
	if all[0].Trail != nil {
		b.trace(open)
	}
	return b.eachPage(all[0].Stop, sel, func(p int, words []uint64) error {
		for i := range open {
			if err := open[i].page(p, words); err != nil {
				return err
			}
			if empty(words) {
				return nil
			}
		}
		return nil
	})
}

// decideAll makes all predicates ready but those that hold for every row, until
// one never holds. Those come first of which a bloom filter or the directory is
// likely to say so: in most blocks of a search for a rare value nothing else is
// read.
func (b *block) decideAll(d *directory, all []scan.Predicate) (open []decision, never bool, err error) {
	for _, first := range [...]bool{true, false} {
		for i := range all {
			p := &all[i]
			if first != (p.Field.Scope == scan.ScopeSpan && p.Op == scan.OpEqual) {
				continue
			}
			decide := b.decide
			if p.Trail != nil {
				decide = b.decideTraced
			}
			x, err := decide(d, p)
			if err != nil || x.never {
				return nil, x.never, err
			}
			if !x.every {
				open = append(open, x)
			}
		}
	}
	return open, false, nil
}

func empty(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return false
		}
	}
	return true
}

func (b *block) decide(d *directory, p *scan.Predicate) (decision, error) {
	switch p.Field.Scope {
	case scan.ScopeIntrinsic:
		return b.decideIntrinsic(d, p)
	case scan.ScopeResource:
		keep, err := b.judgeResources(d, p)
		return b.byCode(d.byKind[kindResource], keep), err
	case scan.ScopeInstrumentation:
		e, err := b.scopes(d)
		if err != nil {
			return decision{}, err
		}
		return b.byCode(d.byKind[kindScope], judgeEach(len(e.list), func(i int) bool {
			return holdsAttr(p, e.list[i])
		})), nil
	case scan.ScopeSpan, scan.ScopeAny:
		return b.decideAttr(d, p)
	case scan.ScopeEvent:
		return b.decideElements(d, spaceEvent, p)
	case scan.ScopeLink:
		return b.decideElements(d, spaceLink, p)
	}
	return settled(false, scan.ByAbsence), nil
}

func (b *block) decideIntrinsic(d *directory, p *scan.Predicate) (decision, error) {
	switch p.Field.Intrinsic {
	case scan.IntrinsicName:
		return b.decideColumn(d.byKind[kindName], p)
	case scan.IntrinsicKind:
		return b.decideColumn(d.byKind[kindKind], p)
	case scan.IntrinsicStatus:
		return b.decideColumn(d.byKind[kindStatus], p)
	case scan.IntrinsicStatusMessage:
		return b.decideColumn(d.byKind[kindMessage], p)
	case scan.IntrinsicTraceState:
		return b.decideColumn(d.byKind[kindTraceState], p)
	case scan.IntrinsicStart:
		return b.decideColumn(d.byKind[kindStart], p)
	case scan.IntrinsicDuration:
		return b.decideDuration(d, p)
	case scan.IntrinsicTraceID, scan.IntrinsicSpanID, scan.IntrinsicParentID:
		return b.decideID(d, p), nil
	case scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		e, err := b.scopes(d)
		if err != nil {
			return decision{}, err
		}
		return b.byCode(d.byKind[kindScope], judgeEach(len(e.list), func(i int) bool {
			if p.Field.Intrinsic == scan.IntrinsicScopeName {
				return p.Holds(telemetry.StringValue(e.list[i].scope.Name))
			}
			return p.Holds(telemetry.StringValue(e.list[i].scope.Version))
		})), nil
	case scan.IntrinsicEventName, scan.IntrinsicEventTime:
		return b.decideElements(d, spaceEvent, p)
	case scan.IntrinsicLinkTraceID, scan.IntrinsicLinkSpanID:
		return b.decideElements(d, spaceLink, p)
	}
	return settled(false, scan.ByAbsence), nil
}

// eachPage calls f for every page with selected rows, with its rows' words,
// until stop is closed.
func (b *block) eachPage(stop <-chan struct{}, sel *scan.Bitmap, f func(p int, words []uint64) error) error {
	all := sel.Words()
	n := b.r.footer.pageRows / 64
	for p := 0; p*n < len(all); p++ {
		words := all[p*n : min(p*n+n, len(all))]
		if empty(words) {
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
	return judgeEach(len(e.list), func(i int) bool {
		return holdsAttr(p, e.list[i])
	}), nil
}

func holdsAttr(p *scan.Predicate, x *entry) bool {
	v, ok := x.lookup(p.Field.Key)
	if !ok {
		return p.Op == scan.OpAbsent
	}
	return p.Holds(v)
}
