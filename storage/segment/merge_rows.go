package segment

import (
	"fmt"
	"sync"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// merger fills a block builder with rows of other blocks. It copies column by
// column, so that each is unpacked once and each entry of a dictionary looked
// up once; what follows from the group of a span is found out by group. Its
// memory is reused.
type merger struct {
	out     *blockBuilder
	sources []*source // in order of first use
	byBlock map[*block]*source
	runList []mergeRun

	rows, orphans, events, links axis

	values  []values // of the column that is being copied, by part
	before  []uint32 // elements before each row of the parts
	groupOf []uint32 // group of each row
	groups  []group
	known   []uint32 // group + 1 by source and its own number
	codes   []uint32 // by group
	nums    []uint64
	columns []groupedColumn // by order of the builder's attribute columns
	counts  []uint32
	need    []int
	scratch telemetry.Batch
}

// axis is what some columns have a value for each of: the spans, those whose
// parent is not in their trace, the events or the links.
type axis struct {
	parts     []part
	stretches []stretch // all elements in the order of the output
	n         int       // elements
	pageEnds  []uint32  // elements at the end of each page of the output but the last
}

// part is a range of elements of a page of a source.
type part struct {
	source *source
	page   int
	lo, hi int
}

// stretch is elements of a part that come one after the other, the first
// belonging to a row of the output.
type stretch struct {
	part   int
	lo, hi int
	row    int
}

var mergers = sync.Pool{New: func() any { return &merger{byBlock: make(map[*block]*source)} }}

// release drops what would keep blocks alive.
func (m *merger) release() {
	m.forget()
	mergers.Put(m)
}

func (m *merger) forget() {
	m.out = nil
	clear(m.byBlock)
	clear(m.sources)
	clear(m.runList)
	clear(m.values)
	m.sources = m.sources[:0]
	for _, x := range []*axis{&m.rows, &m.orphans, &m.events, &m.links} {
		clear(x.parts)
		x.parts, x.stretches, x.n, x.pageEnds = x.parts[:0], x.stretches[:0], 0, x.pageEnds[:0]
	}
	m.scratch.Reset()
}

// fill puts the pieces into an empty builder. Where they are more than one
// and have too many columns or too much text, it gives up: fits is false and
// the builder has to be reset.
func (m *merger) fill(out *blockBuilder, pieces []piece) (fits bool, err error) {
	m.forget()
	m.out = out
	runs, err := m.runs(pieces)
	if err != nil {
		return false, err
	}
	m.cut(runs)
	if len(pieces) > 1 {
		if text, err := m.weigh(); err != nil || text > mergeBytes {
			return false, err
		}
	}
	if err := m.group(); err != nil {
		return false, err
	}
	// The shapes first: they tell what columns there are.
	if err := m.shape(); err != nil || len(pieces) > 1 && len(out.attrs) > maxColumns {
		return false, err
	}
	if err := m.copyFixed(); err != nil {
		return false, err
	}
	if err := m.checkParents(pieces); err != nil {
		return false, err
	}
	m.bounds()
	return true, m.attributes()
}

// mergeRun is neighbouring rows of one source that stay neighbours.
type mergeRun struct {
	source *source
	lo, hi int
}

// runs finds the sources of pieces and joins neighbours.
func (m *merger) runs(pieces []piece) (runs []mergeRun, err error) {
	runs = m.runList[:0]
	for i := range pieces {
		p := &pieces[i]
		s := m.byBlock[p.from]
		if s == nil {
			if s, err = newSource(p.from); err != nil {
				return nil, err
			}
			m.byBlock[p.from] = s
			m.sources = append(m.sources, s)
		}
		if n := len(runs); n > 0 && runs[n-1].source == s && runs[n-1].hi == p.lo {
			runs[n-1].hi += p.rows
		} else {
			runs = append(runs, mergeRun{s, p.lo, p.lo + p.rows})
		}
		if p.lo < s.end {
			return nil, fmt.Errorf("copy trace %s: %w", p.id, ErrOrder)
		}
		s.end = p.lo + p.rows
	}
	m.runList = runs
	return runs, nil
}

// cut makes the rows' parts and stretches.
func (m *merger) cut(runs []mergeRun) {
	for _, r := range runs {
		s, n := r.source, r.source.b.r.footer.pageRows
		for lo := r.lo; lo < r.hi; {
			p := lo / n
			hi := min(r.hi, p*n+n)
			if last := len(s.pages) - 1; last < 0 || s.pages[last].page != p {
				s.pages = append(s.pages, part{s, p, lo - p*n, hi - p*n})
			} else {
				s.pages[last].hi = hi - p*n
			}
			lo = hi
		}
	}
	x := &m.rows
	for _, s := range m.sources {
		s.part = len(x.parts)
		x.parts = append(x.parts, s.pages...)
		s.past, s.at = len(x.parts), s.part
	}
	for _, r := range runs {
		s, n := r.source, r.source.b.r.footer.pageRows
		for lo := r.lo; lo < r.hi; {
			for x.parts[s.at].page != lo/n {
				s.at++
			}
			from := lo % n
			to := min(from+r.hi-lo, n)
			x.stretches = append(x.stretches, stretch{s.at, from, to, x.n})
			x.n += to - from
			lo += to - from
		}
	}
	m.out.rows = x.n
}

// load reads the pages of a column for all parts; of kindForm, the groups.
func (m *merger) load(x *axis, k kind) error {
	m.values = append(m.values[:0], make([]values, len(x.parts))...)
	for i := range x.parts {
		p := &x.parts[i]
		if p.lo == p.hi {
			continue
		}
		c := p.source.d.byKind[k]
		if k == kindForm {
			c = p.source.key
		}
		var err error
		if m.values[i], err = p.source.b.values(c, p.page); err != nil {
			return err
		}
		if !m.values[i].has(p.hi) {
			return p.source.b.corruptPage(c, p.page)
		}
	}
	return nil
}

// part makes the axis of elements of which each row has so many as column k
// says, or, if the column is that of parents, one if its code is 1. total is
// how many of them a source has.
func (m *merger) split(x *axis, k kind, total func(d *directory) int) error {
	some := false
	for _, s := range m.sources {
		some = some || total(s.d) > 0
	}
	if !some {
		return nil
	}
	if err := m.load(&m.rows, k); err != nil {
		return err
	}
	m.before = m.before[:0]
	offsets := make([]int, len(m.rows.parts)) // in before
	for i := range m.rows.parts {
		p, v := m.rows.parts[i], &m.values[i]
		// All rows of the page, so that before is indexed by row.
		offsets[i] = len(m.before)
		n := 0
		for row := range p.hi {
			m.before = append(m.before, uint32(n))
			if code := v.code(row); k != kindParent {
				n += int(code)
			} else if code == 1 {
				n++
			}
		}
		m.before = append(m.before, uint32(n))
		if n > total(p.source.d) {
			return p.source.b.corruptPage(p.source.d.byKind[k], p.page)
		}
		before := m.before[offsets[i]:]
		x.parts = append(x.parts, part{p.source, p.page, int(before[p.lo]), int(before[p.hi])})
	}
	for _, st := range m.rows.stretches {
		before := m.before[offsets[st.part]:]
		for i := st.lo; i < st.hi; i++ {
			row := st.row + i - st.lo
			for len(x.pageEnds) < row/m.out.pageRows {
				x.pageEnds = append(x.pageEnds, uint32(x.n))
			}
			if lo, hi := int(before[i]), int(before[i+1]); lo < hi {
				x.stretches = append(x.stretches, stretch{st.part, lo, hi, row})
				x.n += hi - lo
			}
		}
	}
	return nil
}

// bounds notes the times of the block.
func (m *merger) bounds() {
	b := m.out
	durations, ends := b.fixed[kindDuration].nums, b.fixed[kindEnd].codes
	for i, start := range b.fixed[kindStart].nums {
		b.minStart, b.maxStart = min(b.minStart, start), max(b.maxStart, start)
		switch ends[i] {
		case endAfter:
			b.maxEnd = max(b.maxEnd, start+durations[i])
		case endBefore:
			b.maxEnd = max(b.maxEnd, start-durations[i])
		}
	}
}

// checkParents makes sure that the parents of merged spans are in their trace.
func (m *merger) checkParents(pieces []piece) error {
	rest := m.out.fixed[kindParent].codes
	for i := range pieces {
		p := &pieces[i]
		for row, code := range rest[:p.rows] {
			if int(code) > row+1 {
				return p.from.corruptPage(m.byBlock[p.from].d.byKind[kindParent], (p.lo+row)/p.from.r.footer.pageRows)
			}
		}
		rest = rest[p.rows:]
	}
	return nil
}
