package segment

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// groupedColumn is what is known of an attribute column of spans by group.
type groupedColumn struct {
	groups []groupedValue // that have a value
	rows   int            // of these groups
	walked bool           // the value is not known by group
}

type groupedValue struct {
	group uint32
	at    uint32 // position in the source's directory
}

// rareShare is the share of rows, 1/rareShare, that must have an attribute
// for all rows to be gone through for it alone.
const rareShare = 16

// attributes copies the attributes of spans, events and links.
func (m *merger) attributes() error {
	m.sortOut()
	for order := range m.columns {
		if c := &m.columns[order]; !c.walked && c.rows > 0 {
			if err := m.spreadAttr(m.out.attrs[order], c); err != nil {
				return err
			}
		}
	}
	if err := m.walk(&m.rows, spaceSpan, kindShape); err != nil {
		return err
	}
	if err := m.walk(&m.events, spaceEvent, kindEventShape); err != nil {
		return err
	}
	return m.walk(&m.links, spaceLink, kindLinkShape)
}

// sortOut finds out which attributes of spans follow from the group.
func (m *merger) sortOut() {
	for i := range m.columns {
		c := &m.columns[i]
		*c = groupedColumn{groups: c.groups[:0]}
	}
	if n := len(m.out.attrs) - len(m.columns); n > 0 {
		m.columns = append(m.columns, make([]groupedColumn, n)...)
	}
	m.columns = m.columns[:len(m.out.attrs)]
	for i := range m.groups {
		g := &m.groups[i]
		list := g.source.shapeOf(g.code)
		for j, at := range list {
			from := m.attr(g.source, at)
			c := &m.columns[from.out.order]
			c.groups = append(c.groups, groupedValue{uint32(i), at})
			c.rows += g.rows
			if !g.source.follows(from.info) || slices.Contains(list[:j], at) {
				c.walked = true
			}
		}
	}
	for i := range m.columns {
		c := &m.columns[i]
		c.walked = c.walked || c.rows*rareShare < m.rows.n
	}
}

// spreadAttr fills a column of spans that follows from the group.
func (m *merger) spreadAttr(out *columnBuilder, c *groupedColumn) error {
	// Code + 1, of numbers position + 1, by group.
	m.codes = append(m.codes[:0], make([]uint32, len(m.groups))...)
	m.nums = m.nums[:0]
	for _, v := range c.groups {
		g := &m.groups[v.group]
		from := &g.source.columns[v.at]
		if err := g.source.loadDict(from); err != nil {
			return err
		}
		code, ok := g.source.ofGroup(from.info, g.code)
		if !ok {
			return g.source.b.r.corrupt(g.source.b.info.dir.off, named("directory"), column.ErrCorrupt)
		}
		switch out.class {
		case classInts:
			m.nums = append(m.nums, from.number(code))
			code = uint32(len(m.nums) - 1)
		case classStrings:
			code = m.entry(from, code)
		}
		m.codes[v.group] = code + 1
	}
	pageRows := m.out.pageRows
	for lo := 0; lo < len(m.groupOf); lo += pageRows {
		groups := m.groupOf[lo:min(lo+pageRows, len(m.groupOf))]
		switch out.class {
		case classInts:
			for _, g := range groups {
				if code := m.codes[g]; code > 0 {
					out.nums = append(out.nums, m.nums[code-1])
				}
			}
			out.count = len(out.nums)
		case classStrings:
			for _, g := range groups {
				if code := m.codes[g]; code > 0 {
					out.codes = append(out.codes, code-1)
				}
			}
			out.count = len(out.codes)
		default:
			for _, g := range groups {
				out.count += int(min(m.codes[g], 1))
			}
		}
		out.pageEnds = append(out.pageEnds, uint32(out.count))
	}
	out.spans = uint64(out.count)
	return nil
}

// walk copies the attributes of an axis that do not follow from the group.
// It goes through the sources first and notes for each element where its
// values are, since a value is found by counting those before it; then it goes
// through the output.
func (m *merger) walk(x *axis, sp space, shape kind) error {
	if x.n == 0 || !m.listWalked(sp) {
		return nil
	}
	if err := m.load(x, shape); err != nil {
		return err
	}
	m.before, m.offsets, m.places = m.before[:0], m.offsets[:0], m.places[:0]
	m.walked = m.walked[:0]
	firsts := make([]int, len(x.parts)) // in walked
	for i := range x.parts {
		firsts[i] = len(m.walked)
		m.offsets = append(m.offsets, len(m.before)-x.parts[i].lo)
		if x.parts[i].lo == x.parts[i].hi {
			continue
		}
		if err := m.locate(&x.parts[i], &m.values[i]); err != nil {
			return err
		}
	}
	names := m.out.fixed[kindName].codes
	for i := range x.stretches {
		st := &x.stretches[i]
		s, codes, columns := x.parts[st.part].source, &m.values[st.part], m.walked[firsts[st.part]:]
		before := m.before[m.offsets[st.part]+st.lo:]
		row := st.row
		for e := st.lo; e < st.hi; e++ {
			list := s.lists[codes.code(e)]
			places := m.places[before[e-st.lo]:][:len(list)]
			for k, c := range list {
				c.out.begin(row, row/m.out.pageRows)
				m.add(c, &columns[c.ordinal], int(places[k]), names[row])
			}
			if sp == spaceSpan {
				row++
			}
		}
	}
	return nil
}

// listWalked makes the lists of the columns that are walked, if there are any.
func (m *merger) listWalked(sp space) (some bool) {
	for _, s := range m.sources {
		s.walked = s.walked[:0]
		for i := range s.columns {
			c := &s.columns[i]
			c.walked = c.out != nil && c.info.kind == kindAttr+kind(sp) && (sp != spaceSpan || m.columns[c.out.order].walked)
			if c.walked {
				c.ordinal = len(s.walked)
				s.walked = append(s.walked, c)
			}
		}
		some = some || len(s.walked) > 0
		s.lists = make([][]*sourceColumn, len(s.shapes.lists[sp]))
		for code, list := range s.shapes.lists[sp] {
			for _, at := range list {
				if c := &s.columns[at]; c.walked {
					s.lists[code] = append(s.lists[code], c)
				}
			}
		}
	}
	return some
}

// locate notes where the elements of a part have their values, given their
// shapes, and loads the pages.
func (m *merger) locate(p *part, codes *values) error {
	s := p.source
	for _, c := range s.walked {
		c.next, c.need = 0, 0
	}
	for i := range p.lo {
		for _, c := range s.lists[codes.code(i)] {
			c.next++
		}
	}
	for i := p.lo; i < p.hi; i++ {
		m.before = append(m.before, uint32(len(m.places)))
		for _, c := range s.lists[codes.code(i)] {
			m.places = append(m.places, uint32(c.next))
			c.next++
			c.need = c.next
		}
	}
	for _, c := range s.walked {
		m.walked = append(m.walked, values{})
		if c.need == 0 {
			continue
		}
		v := &m.walked[len(m.walked)-1]
		var err error
		if *v, err = s.b.values(c.info, p.page); err != nil {
			return err
		}
		if c.dict = v.dict; !v.has(c.need) {
			return s.b.corruptPage(c.info, p.page)
		}
	}
	return nil
}

// add adds value i of a page; the span's name is a hint.
func (m *merger) add(c *sourceColumn, v *values, i int, name uint32) {
	out := c.out
	switch out.class {
	case classInts:
		out.nums = append(out.nums, v.num(i))
	case classStrings:
		if v.info.enc != encDict {
			out.addString(v.str(i), name, &m.out.arena)
			return
		}
		code := uint32(0)
		if v.page != nil {
			code = v.page.codes.At(i)
		}
		if c.table == nil {
			c.table = make([]uint32, c.info.entries)
		}
		if known := c.table[code]; known > 0 && !out.raw {
			out.codes = append(out.codes, known-1)
			return
		}
		out.addString(v.dict.strs.At(int(code)), name, &m.out.arena)
		if !out.raw {
			c.table[code] = out.codes[len(out.codes)-1] + 1
		}
	}
}
