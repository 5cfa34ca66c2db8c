package segment

import (
	"slices"
	"sync"

	"github.com/kiseki-dev/kiseki/storage/scan"
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

	rows, orphans, events, links axis

	values  []values // of the column that is being copied, by part
	before  []uint32 // elements before each row of the parts
	groupOf []uint32 // group of each row
	groups  []group
	known   []uint32 // group + 1 by source and its own number
	codes   []uint32 // by group
	nums    []uint64
	columns []groupedColumn // by order of the builder's attribute columns
	walked  []values        // of columns that are walked, by part
	offsets []int           // by part: of its elements in before
	places  []uint32
	scratch telemetry.Batch

	order  orderer
	ids    scan.Rows
	spans  []spanKey // by row of the parts
	from   []rowOf
	joined []joinedRow
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
	clear(m.from[:cap(m.from)])
	m.joined = m.joined[:0]
	clear(m.values)
	clear(m.walked)
	m.sources = m.sources[:0]
	for _, x := range []*axis{&m.rows, &m.orphans, &m.events, &m.links} {
		clear(x.parts)
		x.parts, x.stretches, x.n, x.pageEnds = x.parts[:0], x.stretches[:0], 0, x.pageEnds[:0]
	}
	m.scratch.Reset()
}

// fill puts the traces into an empty builder. Where they are more than one
// and have too many columns or too much text, it gives up: fits is false and
// the builder has to be reset.
func (m *merger) fill(out *blockBuilder, traces []trace, pieces []piece) (fits bool, err error) {
	m.forget()
	m.out = out
	if err := m.cut(pieces[traces[0].first:traces[len(traces)-1].end]); err != nil {
		return false, err
	}
	if len(traces) > 1 {
		if text, err := m.weigh(); err != nil || text > mergeBytes {
			return false, err
		}
	}
	if err := m.arrange(traces, pieces); err != nil {
		return false, err
	}
	if err := m.group(); err != nil {
		return false, err
	}
	// The shapes first: they tell what columns there are.
	if err := m.shape(); err != nil || len(traces) > 1 && len(out.attrs) > maxColumns {
		return false, err
	}
	if err := m.copyFixed(); err != nil {
		return false, err
	}
	if err := m.parents(traces); err != nil {
		return false, err
	}
	m.bounds()
	return true, m.attributes()
}

// cut finds the sources of pieces and the parts of them that are needed.
func (m *merger) cut(pieces []piece) error {
	for i := range pieces {
		p := &pieces[i]
		s := m.byBlock[p.from]
		if s == nil {
			var err error
			if s, err = newSource(p.from); err != nil {
				return err
			}
			m.byBlock[p.from] = s
			m.sources = append(m.sources, s)
		}
		s.want(p.lo, p.lo+p.rows)
	}
	for _, s := range m.sources {
		s.part = len(m.rows.parts)
		m.rows.parts = append(m.rows.parts, s.ranges...)
		s.past = len(m.rows.parts)
	}
	return nil
}

// want makes rows [lo, hi) part of the ranges.
func (s *source) want(lo, hi int) {
	for n := s.b.r.footer.pageRows; lo < hi; {
		page := lo / n
		from, to := lo-page*n, min(hi-page*n, n)
		if s.ofPage[page] == 0 {
			s.ranges = append(s.ranges, part{s, page, from, to})
			s.ofPage[page] = len(s.ranges)
		}
		r := &s.ranges[s.ofPage[page]-1]
		r.lo, r.hi = min(r.lo, from), max(r.hi, to)
		lo = page*n + to
	}
}

// arrange puts the rows into the order of the output. The spans of a trace in
// several pieces get the order that the orderer gives them.
func (m *merger) arrange(traces []trace, pieces []piece) error {
	if slices.ContainsFunc(traces, func(t trace) bool { return t.end > t.first+1 }) {
		if err := m.readIDs(); err != nil {
			return err
		}
	}
	for i := range traces {
		t := &traces[i]
		if t.end == t.first+1 {
			p := &pieces[t.first]
			m.stretch(m.byBlock[p.from], p.lo, p.lo+p.rows)
		} else {
			m.join(pieces[t.first:t.end])
		}
	}
	m.out.rows = m.rows.n
	return nil
}

// stretch makes rows [lo, hi) of a source the next ones of the output.
func (m *merger) stretch(s *source, lo, hi int) {
	x, n := &m.rows, s.b.r.footer.pageRows
	for lo < hi {
		at, from := s.part+s.ofPage[lo/n]-1, lo%n
		to := min(from+hi-lo, n)
		if last := len(x.stretches) - 1; last >= 0 && x.stretches[last].part == at && x.stretches[last].hi == from {
			x.stretches[last].hi = to
		} else {
			x.stretches = append(x.stretches, stretch{at, from, to, x.n})
		}
		x.n += to - from
		lo += to - from
	}
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

// split makes the axis of elements of which each row has so many as column k
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
	m.before, m.offsets = m.before[:0], m.offsets[:0]
	for i := range m.rows.parts {
		p, v := m.rows.parts[i], &m.values[i]
		// All rows of the page, so that before is indexed by row.
		m.offsets = append(m.offsets, len(m.before))
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
		before := m.before[m.offsets[i]:]
		x.parts = append(x.parts, part{p.source, p.page, int(before[p.lo]), int(before[p.hi])})
	}
	for _, st := range m.rows.stretches {
		before := m.before[m.offsets[st.part]:]
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
