package segment

import (
	"errors"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// contexts is a decoded context, see contextMode.
type contexts struct {
	lengths []uint32
	firsts  []uint32 // where each form's list, or row of the pairs' table, begins in entries
	parent  []byte   // of inherited columns, by form
	entries []uint32
	scale   uint64 // of times
}

func (x *contexts) size() int { return 4*(len(x.lengths)+len(x.firsts)+len(x.entries)) + len(x.parent) }

// contextOf names the context of a column.
type contextOf struct{ *columnInfo }

func (c contextOf) name() string { return c.columnInfo.name() + " context" }

func decodeContexts(src []byte, c *columnInfo) (*contexts, error) {
	cur := column.Cursor{B: src}
	x := &contexts{lengths: wide(cur.Codes(c.forms))}
	if c.context == inherited {
		x.parent = cur.Bytes(c.forms)
	}
	x.entries = wide(cur.Codes(maxContexts))
	if c.classed() {
		x.scale = cur.Uvarint()
	}
	if cur.Err != nil || len(cur.B) != 0 || len(x.lengths) != c.forms || c.classed() && x.scale == 0 {
		return nil, column.ErrCorrupt
	}
	for _, code := range x.entries {
		if code > c.most() {
			return nil, column.ErrCorrupt
		}
	}
	next := uint64(0)
	for _, n := range x.lengths {
		x.firsts = append(x.firsts, uint32(next))
		switch {
		case c.context == traced:
			if n > traceAlike {
				return nil, column.ErrCorrupt
			}
		case c.context != paired:
			next += uint64(n)
		case n == pairUse:
			next += uint64(c.pair.most()) + 1
		case n > pairUse:
			return nil, column.ErrCorrupt
		}
	}
	if next != uint64(len(x.entries)) {
		return nil, column.ErrCorrupt
	}
	return x, nil
}

func wide(c column.Codes) []uint32 {
	out := make([]uint32, c.Len())
	for i := range out {
		out[i] = c.At(i)
	}
	return out
}

// contextPage makes page p of a column that is stored in a context.
func (b *block) contextPage(c *columnInfo, p int) (*page, error) {
	key := b.madeKey(c, p)
	if b.r.cache != nil {
		if pg, ok := b.r.cache.get(key).(*page); ok {
			return pg, nil
		}
	}
	m, err := b.codeMaker(c, p)
	if err != nil {
		return nil, err
	}
	pg, err := m.page()
	if err != nil {
		return nil, err
	}
	if b.r.cache != nil && !b.passing {
		b.r.cache.put(key, pg, pg.size(), keepPage)
	}
	return pg, nil
}

// madeKey names page p of a column where it is made and not read.
func (b *block) madeKey(c *columnInfo, p int) cacheKey {
	return cacheKey{b.r.id, b.info.dir.off, uint64(c.position)<<32 | uint64(p) + 1}
}

// contextPart makes of page p of a column that is stored in a context what the
// rows need, or as much more as it has.
func (b *block) contextPart(c *columnInfo, p int, want needed) (pg *page, first int, err error) {
	if want.hi-want.lo > partRows {
		pg, err = b.contextPage(c, p)
		return pg, 0, err
	}
	key := b.madeKey(c, p)
	if b.r.cache != nil {
		if pg, ok := b.r.cache.get(key).(*page); ok {
			return pg, 0, nil
		}
		if !b.passing && b.r.cache.admit(key) {
			pg, err = b.contextPage(c, p)
			return pg, 0, err
		}
	}
	m, err := b.codeMaker(c, p)
	if err != nil {
		return nil, 0, err
	}
	if want.hi > m.hi {
		return nil, 0, b.corruptPage(c.form, p)
	}
	m.needed = want
	if pg, err = m.page(); err == errBefore {
		pg, err = b.contextPage(c, p)
		return pg, 0, err
	}
	return pg, want.first, err
}

// partRows is how many rows may be asked for of which just the values are
// made: more come near a page.
const partRows = 512

// errBefore says that the values of rows follow from those of rows before
// them: such a part of a page cannot be made.
var errBefore = errors.New("the rows follow from others")

// codeMaker makes the codes of a page, or of some of its rows, from their
// context.
type codeMaker struct {
	b *block
	c *columnInfo
	p int
	*contexts
	needed
	forms *values
	rows  int // of the page
}

// codeMaker prepares to make the whole of a page.
func (b *block) codeMaker(c *columnInfo, p int) (*codeMaker, error) {
	lo, hi := b.pageRows(p)
	forms, err := b.values(c.form, p)
	if err != nil {
		return nil, err
	}
	x, err := load(b.r, c.contexts, contextOf{c}, func(src []byte) (*contexts, error) { return decodeContexts(src, c) })
	if err != nil {
		return nil, err
	}
	m := &codeMaker{b: b, c: c, p: p, contexts: x, forms: &forms, rows: hi - lo, needed: needed{hi: hi - lo}}
	if !forms.has(m.rows) {
		return nil, b.corruptPage(c.form, p)
	}
	return m, nil
}

func (m *codeMaker) page() (pg *page, err error) {
	pg = &page{}
	switch {
	case m.scale > 0:
		pg.nums, err = m.times()
		pg.n = len(pg.nums)
		return pg, err
	case m.c.most() < 256:
		pg.codes.B, err = contextCodes[byte](m)
	default:
		pg.codes.W, err = contextCodes[uint32](m)
	}
	pg.n = pg.codes.Len()
	return pg, err
}

// contextCodes makes the codes in the narrowest form that has them all.
func contextCodes[T byte | uint32](m *codeMaker) ([]T, error) {
	if m.c.context == paired {
		return pairsOf[T](m)
	}
	stored, err := m.stored()
	if err != nil {
		return nil, err
	}
	if m.c.context == traced {
		return tracedOf[T](m, stored)
	}
	return ranksOf[T](m, stored)
}

// stored are the ranks of a page of codes; it has none, and is not stored, if
// each of its forms has one code.
func (m *codeMaker) stored() (column.Codes, error) {
	ref := m.c.pages[m.p]
	if ref.size == 0 {
		return column.Codes{}, nil
	}
	body, err := m.b.r.read(ref, m.c)
	if err != nil {
		return column.Codes{}, err
	}
	most := uint32(maxContexts)
	if m.c.context == traced {
		most = m.c.most()
	}
	stored, err := column.DecodeCodes(body, m.rows, most)
	if err != nil {
		return column.Codes{}, m.b.r.corrupt(ref.off, m.c, err)
	}
	return stored, nil
}

// ranksOf makes the codes of a ranked or inherited column from the ranks that
// its page has.
func ranksOf[T byte | uint32](m *codeMaker, stored column.Codes) ([]T, error) {
	var parents values
	if m.parent != nil {
		var err error
		if parents, err = m.b.values(m.c.parent, m.p); err != nil {
			return nil, err
		}
		if !parents.has(m.rows) {
			return nil, m.b.corruptPage(m.c.parent, m.p)
		}
	}
	out := make([]T, 0, m.hi-m.lo)
	x, forms, none := m.contexts, m.forms, m.c.kind >= kindAttr // some forms may have no value
	next := m.ranksBefore(&parents)
	for i := m.lo; i < m.hi; i++ {
		form := forms.code(i)
		if x.parent != nil && x.parent[form] != 0 {
			switch at := parentIn(parents.code(i), i); {
			case at >= m.lo:
				out = append(out, out[at-m.lo])
				continue
			case at >= 0:
				return nil, errBefore
			}
		}
		n, rank := x.lengths[form], uint32(0)
		switch {
		case n == 0 && none:
			continue
		case n > 1:
			if next >= stored.Len() {
				return nil, m.b.corruptPage(m.c, m.p)
			}
			rank = stored.At(next)
			next++
		}
		if rank >= n {
			return nil, m.b.corruptPage(m.c, m.p)
		}
		out = append(out, T(x.entries[x.firsts[form]+rank]))
	}
	return out, nil
}

// tracedOf makes the codes of a column that a trace mostly has one value of.
func tracedOf[T byte | uint32](m *codeMaker, stored column.Codes) ([]T, error) {
	traces, err := m.b.traces()
	if err != nil {
		return nil, err
	}
	first, _ := m.b.pageRows(m.p)
	trace, _ := slices.BinarySearch(traces.rows, uint32(first))
	out := make([]T, 0, m.hi-m.lo)
	next, known := 0, false // known is set where the trace had a value
	for i := range m.hi {
		if trace < len(traces.rows) && traces.rows[trace] == uint32(first+i) {
			trace++
			known = false
		}
		switch use := m.lengths[m.forms.code(i)]; {
		case use == traceNone:
		case use == traceAlike && known:
			if i < m.lo {
				continue
			}
			if len(out) == 0 {
				return nil, errBefore
			}
			out = append(out, out[len(out)-1])
		case next == stored.Len():
			return nil, m.b.corruptPage(m.c, m.p)
		default:
			if i >= m.lo {
				out = append(out, T(stored.At(next)))
			}
			known = true
			next++
		}
	}
	return out, nil
}

// ranksBefore is how many ranks the page has for the rows before the first that
// is needed.
func (m *codeMaker) ranksBefore(parents *values) (n int) {
	x := m.contexts
	for i := range m.lo {
		form := m.forms.code(i)
		if x.lengths[form] > 1 && (x.parent == nil || x.parent[form] == 0 || parentIn(parents.code(i), i) < 0) {
			n++
		}
	}
	return n
}

// pairsOf makes the codes of a column that follows from another one.
func pairsOf[T byte | uint32](m *codeMaker) ([]T, error) {
	x, forms := m.contexts, m.forms
	next := 0
	for i := range m.lo {
		if x.lengths[forms.code(i)] != pairNone {
			next++
		}
	}
	last := next
	for i := m.lo; i < m.hi; i++ {
		if x.lengths[forms.code(i)] != pairNone {
			last++
		}
	}
	by, err := m.b.cursor(m.c.pair, m.p, needed{m.lo, m.hi, next, last})
	if err != nil {
		return nil, err
	}
	out := make([]T, 0, m.hi-m.lo)
	for i := m.lo; i < m.hi; i++ {
		form := forms.code(i)
		use := x.lengths[form]
		if use == pairNone {
			continue
		}
		if use == pairUse {
			out = append(out, T(x.entries[x.firsts[form]+by.code(next)]))
		}
		next++
	}
	return out, nil
}
