package segment

import "slices"

// group is spans of one source that have the same form, or the same shape
// where the source has no forms.
type group struct {
	source *source
	code   uint32 // there
	rows   int    // of the output
}

// group numbers the groups that occur, by their first row.
func (m *merger) group() error {
	if err := m.load(&m.rows, kindForm); err != nil {
		return err
	}
	total := 0
	for _, s := range m.sources {
		s.base = total
		total += s.groups()
	}
	m.known = append(m.known[:0], make([]uint32, total)...)
	m.groups, m.groupOf = m.groups[:0], m.groupOf[:0]
	for _, st := range m.rows.stretches {
		s := m.rows.parts[st.part].source
		known, from := m.known[s.base:], len(m.groupOf)
		m.groupOf = m.values[st.part].appendCodes(m.groupOf, st.lo, st.hi)
		for i, code := range m.groupOf[from:] {
			if known[code] == 0 {
				m.groups = append(m.groups, group{source: s, code: code})
				known[code] = uint32(len(m.groups))
			}
			m.groupOf[from+i] = known[code] - 1
			m.groups[known[code]-1].rows++
		}
	}
	return nil
}

// shape copies the shapes, which makes the columns known that there are, and
// finds the events and links.
func (m *merger) shape() error {
	if err := m.spread(kindShape); err != nil {
		return err
	}
	for _, a := range []struct {
		x     *axis
		count kind // column that says how many a span has
		total func(d *directory) int
		shape kind
	}{
		{&m.orphans, kindParent, (*directory).orphans, 0},
		{&m.events, kindEvents, func(d *directory) int { return d.events }, kindEventShape},
		{&m.links, kindLinks, func(d *directory) int { return d.links }, kindLinkShape},
	} {
		if err := m.split(a.x, a.count, a.total); err != nil {
			return err
		}
		if a.shape != 0 && a.x.n > 0 {
			if err := m.copy(a.x, a.shape); err != nil {
				return err
			}
		}
	}
	m.out.counts[spaceEvent], m.out.counts[spaceLink] = m.events.n, m.links.n
	return nil
}

// orphans is how many spans have a parent that is not in their trace.
func (d *directory) orphans() int {
	if c := d.byKind[kindParentRaw]; c != nil {
		return c.values
	}
	return 0
}

// copyFixed copies all columns but attributes, shapes and the ids of parents.
func (m *merger) copyFixed() error {
	for k := kindSpanID; k < kindCount; k++ {
		x := &m.rows
		switch {
		case k == kindShape || k == kindEventShape || k == kindLinkShape || k == kindForm || k == kindParentRaw:
			continue
		case spaceOf(k) == spaceEvent:
			x = &m.events
		case spaceOf(k) == spaceLink:
			x = &m.links
		}
		var err error
		switch {
		case x.n == 0:
		case x == &m.rows && m.follows(k):
			err = m.spread(k)
		default:
			err = m.copy(x, k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// follows reports whether a column follows from the group in all sources.
func (m *merger) follows(k kind) bool {
	return !slices.ContainsFunc(m.sources, func(s *source) bool { return !s.follows(s.d.byKind[k]) })
}

// spread fills a column that follows from the group.
func (m *merger) spread(k kind) error {
	c := m.out.fixed[k]
	m.codes, m.nums = m.codes[:0], m.nums[:0]
	for _, g := range m.groups {
		from := &g.source.columns[g.source.d.byKind[k].position]
		from.out = c
		if err := g.source.loadDict(from); err != nil {
			return err
		}
		code, _ := g.source.ofGroup(from.info, g.code)
		switch {
		case c.class == classInts:
			m.nums = append(m.nums, from.number(code))
			continue
		case c.class == classStrings:
			code = m.entry(from, code)
		case g.source.tables[k] != nil:
			var err error
			if code, err = m.translate(g.source, k, code); err != nil {
				return err
			}
		}
		m.codes = append(m.codes, code)
	}
	if c.class == classInts {
		c.nums = spread(c.nums, m.nums, m.groupOf)
	} else {
		c.codes = spread(c.codes, m.codes, m.groupOf)
	}
	return nil
}

// spread is the value of each row's group, in the memory of dst.
func spread[T any](dst, byGroup []T, groups []uint32) []T {
	dst = slices.Grow(dst[:0], len(groups))[:len(groups)]
	for i, g := range groups {
		dst[i] = byGroup[g]
	}
	return dst
}

// copy fills a column from the pages of the sources.
func (m *merger) copy(x *axis, k kind) error {
	c := m.out.fixed[k]
	if err := m.load(x, k); err != nil {
		return err
	}
	if x != &m.rows {
		c.count, c.pageEnds = x.n, append(c.pageEnds[:0], x.pageEnds...)
	}
	for i := range x.stretches {
		st := &x.stretches[i]
		v := &m.values[st.part]
		switch c.class {
		case classFixed:
			w := width(k)
			c.fixed = append(c.fixed, v.page.fixed[st.lo*w:st.hi*w]...)
		case classInts:
			c.nums = v.appendNums(c.nums, st.lo, st.hi)
		case classCodes:
			if err := m.copyCodes(c, x, st); err != nil {
				return err
			}
		case classStrings:
			m.copyStrings(c, x, st)
		}
	}
	return nil
}

func (m *merger) copyCodes(c *columnBuilder, x *axis, st *stretch) error {
	s, from := x.parts[st.part].source, len(c.codes)
	c.codes = m.values[st.part].appendCodes(c.codes, st.lo, st.hi)
	table := s.tables[c.kind]
	if table == nil {
		return nil
	}
	added := c.codes[from:]
	for i, code := range added {
		known := table[code]
		if known == 0 {
			out, err := m.translate(s, c.kind, code)
			if err != nil {
				return err
			}
			known = out + 1
		}
		added[i] = known - 1
	}
	return nil
}

// copyStrings is for columns that are no attributes: those always have codes.
func (m *merger) copyStrings(c *columnBuilder, x *axis, st *stretch) {
	s, v := x.parts[st.part].source, &m.values[st.part]
	if v.dict == nil {
		for i := st.lo; i < st.hi; i++ {
			c.codes = append(c.codes, c.entry(v.str(i), &m.out.arena))
		}
		return
	}
	from := &s.columns[v.info.position]
	from.out, from.dict = c, v.dict
	start := len(c.codes)
	c.codes = v.appendCodes(c.codes, st.lo, st.hi)
	added := c.codes[start:]
	for i, code := range added {
		added[i] = m.entry(from, code)
	}
}

// appendCodes appends codes [lo, hi) of the page.
func (v *values) appendCodes(dst []uint32, lo, hi int) []uint32 {
	switch {
	case v.page == nil && v.info.enc == encDict:
		return append(dst, make([]uint32, hi-lo)...)
	case v.page == nil:
		for range hi - lo {
			dst = append(dst, uint32(v.info.low))
		}
		return dst
	case v.page.codes.B == nil:
		return append(dst, v.page.codes.W[lo:hi]...)
	}
	for _, code := range v.page.codes.B[lo:hi] {
		dst = append(dst, uint32(code))
	}
	return dst
}

// appendNums appends numbers [lo, hi) of the page.
func (v *values) appendNums(dst []uint64, lo, hi int) []uint64 {
	if v.info.enc == encPlain {
		return v.page.appendNums(dst, lo, hi)
	}
	for i := lo; i < hi; i++ {
		dst = append(dst, v.num(i))
	}
	return dst
}
