package segment

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A trace that lies in pieces is put in order by the ids, parents and starts
// of its spans alone. All else of a span stays as its source has it, but for
// how far away its parent is.

// readIDs reads what traces are joined by, of all rows of the parts.
func (m *merger) readIDs() error {
	m.spans, m.offsets = m.spans[:0], m.offsets[:0]
	for i := range m.rows.parts {
		p := &m.rows.parts[i]
		first, _ := p.source.b.pageRows(p.page)
		err := p.source.b.Rows(first+p.lo, first+p.hi, scan.ColSpanID|scan.ColParentID|scan.ColStart, &m.ids)
		if err != nil {
			return err
		}
		m.offsets = append(m.offsets, len(m.spans)-p.lo)
		for k, id := range m.ids.SpanID {
			m.spans = append(m.spans, spanKey{id, m.ids.ParentID[k], m.ids.Start[k]})
		}
	}
	return nil
}

// join puts the pieces of a trace together.
func (m *merger) join(pieces []piece) {
	m.scratch.Reset()
	m.from, m.places = m.from[:0], m.places[:0]
	for i := range pieces {
		p := &pieces[i]
		s, n := m.byBlock[p.from], p.from.r.footer.pageRows
		for row := p.lo; row < p.lo+p.rows; row++ {
			k := &m.spans[m.offsets[s.part+s.ofPage[row/n]-1]+row%n]
			m.places = append(m.places, uint32(len(m.places)))
			m.from = append(m.from, rowOf{s, row})
			m.scratch.Spans = append(m.scratch.Spans, telemetry.Span{SpanID: k.id, ParentID: k.parent, Start: k.start})
		}
	}
	m.order.run(&m.scratch, m.places)
	for i, at := range m.order.order {
		m.joined = append(m.joined, joinedRow{parent: m.scratch.Spans[at].ParentID, code: m.order.parents[i], row: m.rows.n})
		m.stretch(m.from[at].source, m.from[at].row, m.from[at].row+1)
	}
}

// spanKey is what a trace's spans are put in order by.
type spanKey struct {
	id, parent telemetry.SpanID
	start      uint64
}

// rowOf is a row of a source.
type rowOf struct {
	source *source
	row    int
}

// joinedRow is a row of the output whose trace lay in pieces, so that its
// parent is not as far away as in its source.
type joinedRow struct {
	row    int
	code   uint32 // of kindParent
	parent telemetry.SpanID
}

// parents puts right what was copied of the parents of joined traces, and
// makes sure that all others are in their trace.
func (m *merger) parents(traces []trace) error {
	rest := m.out.fixed[kindParent].codes
	for _, j := range m.joined {
		rest[j.row] = j.code
	}
	for i := range traces {
		t := &traces[i]
		for row, code := range rest[:t.rows] {
			if int(code) > row+1 {
				return m.badParent(m.rows.n - len(rest) + row)
			}
		}
		rest = rest[t.rows:]
	}
	return m.orphanIDs()
}

// orphanIDs fills kindParentRaw.
func (m *merger) orphanIDs() error {
	if err := m.load(&m.orphans, kindParentRaw); err != nil {
		return err
	}
	c, stretches, joined := m.out.fixed[kindParentRaw], m.orphans.stretches, m.joined
	for row, code := range m.out.fixed[kindParent].codes {
		for len(c.pageEnds) < row/m.out.pageRows {
			c.pageEnds = append(c.pageEnds, uint32(c.count))
		}
		if len(joined) > 0 && joined[0].row == row {
			if code == 1 {
				c.fixed = append(c.fixed, joined[0].parent[:]...)
				c.count++
			}
			joined = joined[1:]
			continue
		}
		if code != 1 {
			continue
		}
		for len(stretches) > 0 && stretches[0].row < row { // of joined rows
			stretches = stretches[1:]
		}
		if len(stretches) == 0 || stretches[0].row > row {
			return m.badParent(row)
		}
		st := &stretches[0]
		c.fixed = append(c.fixed, m.values[st.part].page.fixed[st.lo*8:st.hi*8]...)
		c.count++
	}
	return nil
}

// badParent says that the source of a row is damaged.
func (m *merger) badParent(row int) error {
	at, exact := slices.BinarySearchFunc(m.rows.stretches, row, func(st stretch, row int) int { return st.row - row })
	if !exact {
		at--
	}
	p := &m.rows.parts[m.rows.stretches[at].part]
	return p.source.b.corruptPage(p.source.d.byKind[kindParent], p.page)
}
