package segment

import (
	"encoding/binary"
	"io"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// source is a block of which rows are merged into another one.
type source struct {
	b      *block
	d      *directory
	shapes *shapes

	ranges     []part // of rows that are needed, one a page
	ofPage     []int  // by page: place in ranges + 1, 0 if no row is needed
	part, past int    // where these lie among the parts of all sources

	// The group of a row is its form; where the block has none, its shape.
	formed bool
	key    *columnInfo
	base   int // of its groups among those of all sources

	columns   []sourceColumn // by position in the directory
	tables    [kindCount][]uint32
	resources *column.Strings
	scopes    *column.Strings

	walked []*sourceColumn   // see merger.walk
	lists  [][]*sourceColumn // the same by shape
}

// sourceColumn is a column of a source on its way into a builder.
type sourceColumn struct {
	info  *columnInfo
	out   *columnBuilder // nil: not needed so far
	dict  *dict          // once loaded
	table []uint32       // of strings: code in out + 1 by code; 0 is not known

	walked  bool
	ordinal int // of a column that is walked: among those of the source
	next    int // value of the page
	need    int // values of the part
}

func newSource(b *block) (*source, error) {
	pages := (b.info.rows + b.r.footer.pageRows - 1) / b.r.footer.pageRows
	s := &source{b: b, ofPage: make([]int, pages)}
	var err error
	if s.d, err = b.dir(); err != nil {
		return nil, err
	}
	if s.shapes, err = b.shapes(s.d); err != nil {
		return nil, err
	}
	for _, k := range []kind{kindKind, kindStatus} {
		if s.d.byKind[k].high > 255 {
			return nil, b.r.corrupt(b.info.dir.off, named("directory"), column.ErrCorrupt)
		}
	}
	s.columns = make([]sourceColumn, len(s.d.columns))
	for i := range s.columns {
		s.columns[i].info = &s.d.columns[i]
	}
	shape := s.d.byKind[kindShape]
	s.formed = s.d.forms > 0 && (shape.derived || shape.constant())
	if s.key = shape; s.formed {
		s.key = s.d.byKind[kindForm]
	}
	for k, n := range map[kind]int{
		kindResource: s.d.resources.entries, kindScope: s.d.scopes.entries, kindShape: len(s.shapes.lists[spaceSpan]),
		kindEventShape: len(s.shapes.lists[spaceEvent]), kindLinkShape: len(s.shapes.lists[spaceLink]),
	} {
		if c := s.d.byKind[k]; c != nil && c.high >= uint64(n) {
			return nil, b.r.corrupt(b.info.dir.off, named("directory"), column.ErrCorrupt)
		}
		s.tables[k] = make([]uint32, n)
	}
	if s.resources, err = s.entries(s.d.resources, "resources"); err != nil {
		return nil, err
	}
	s.scopes, err = s.entries(s.d.scopes, "scopes")
	return s, err
}

// entries reads encoded resources or scopes.
func (s *source) entries(t tableInfo, section string) (*column.Strings, error) {
	src, err := s.b.r.read(t.chunk, named(section))
	if err != nil {
		return nil, err
	}
	strs, err := column.DecodeStrings(src, t.entries)
	if err == nil && strs.Len() != t.entries {
		err = column.ErrCorrupt
	}
	if err != nil {
		return nil, s.b.r.corrupt(t.chunk.off, named(section), err)
	}
	return strs, nil
}

// groups is how many groups of rows there may be.
func (s *source) groups() int {
	if s.formed {
		return s.d.forms
	}
	return len(s.shapes.lists[spaceSpan])
}

// follows reports whether rows of one group have one value in a column, those
// that have any.
func (s *source) follows(c *columnInfo) bool {
	return c.constant() || c.class() == classNone || c.derived && s.formed || c == s.key
}

// ofGroup is the code of a column that follows, for rows of a group; ok is
// whether they have one.
func (s *source) ofGroup(c *columnInfo, group uint32) (code uint32, ok bool) {
	switch {
	case c == s.key:
		return group, true
	case c.derived && c.kind >= kindAttr:
		return c.byForm[group] - 1, c.byForm[group] > 0
	case c.derived:
		return c.byForm[group], true
	case c.class() == classCodes:
		return uint32(c.low), true
	}
	return 0, true
}

// shapeOf is the list of attribute columns that rows of a group have.
func (s *source) shapeOf(group uint32) []uint32 {
	code, _ := s.ofGroup(s.d.byKind[kindShape], group)
	return s.shapes.lists[spaceSpan][code]
}

// loadDict makes sure that a column's dictionary, if it has one, is there.
func (s *source) loadDict(c *sourceColumn) (err error) {
	if c.dict != nil || c.info.enc != encDict {
		return nil
	}
	c.dict, err = s.b.dict(c.info)
	return err
}

// number is the number that a code of a column of numbers stands for, which
// is constant or has a dictionary.
func (c *sourceColumn) number(code uint32) uint64 {
	if c.dict == nil {
		return c.info.low
	}
	return c.dict.nums[code]
}

// attr is an attribute column and where it goes.
func (m *merger) attr(s *source, at uint32) *sourceColumn {
	c := &s.columns[at]
	if c.out == nil {
		c.out = m.out.attr(space(c.info.kind-kindAttr), c.info.typ, c.info.key)
	}
	return c
}

// entry is the code in the column's builder of an entry of its dictionary.
func (m *merger) entry(c *sourceColumn, code uint32) uint32 {
	if c.table == nil {
		c.table = make([]uint32, c.info.entries)
	}
	if c.table[code] == 0 {
		c.table[code] = c.out.entry(c.dict.strs.At(int(code)), &m.out.arena) + 1
	}
	return c.table[code] - 1
}

// translate is the code in the builder of a resource, a scope or a shape.
func (m *merger) translate(s *source, k kind, code uint32) (uint32, error) {
	if known := s.tables[k][code]; known != 0 {
		return known - 1, nil
	}
	var out uint32
	switch k {
	case kindResource:
		out = m.enter(&m.out.resources, s.resources.At(int(code)))
	case kindScope:
		out = m.enter(&m.out.scopes, s.scopes.At(int(code)))
	default:
		sp := spaceOf(k)
		set, node := &m.out.shapes[sp], uint32(0)
		for _, at := range s.shapes.lists[sp][code] {
			node = set.step(node, m.attr(s, at).out)
		}
		out = set.code(node)
	}
	s.tables[k][code] = out + 1
	return out, m.check(s, k, code)
}

func (m *merger) enter(set *entrySet, entry string) uint32 {
	set.scratch = append(set.scratch[:0], entry...)
	return set.code(&m.out.arena)
}

// check makes sure that the builder can read an entry it was given.
func (m *merger) check(s *source, k kind, code uint32) (err error) {
	m.scratch.Reset()
	ref, section := s.d.resources.chunk, "resources"
	switch k {
	case kindResource:
		_, err = decodeResource(s.resources.At(int(code)), &m.scratch)
	case kindScope:
		ref, section = s.d.scopes.chunk, "scopes"
		_, err = decodeScope(s.scopes.At(int(code)), &m.scratch)
	}
	if err != nil {
		return s.b.r.corrupt(ref.off, named(section), err)
	}
	return nil
}

// weigh is about how many bytes of text the parts have.
func (m *merger) weigh() (total int, err error) {
	for _, s := range m.sources {
		for i := range s.d.columns {
			c := &s.d.columns[i]
			if c.class() != classStrings || c.constant() {
				continue
			}
			n := len(c.inline)
			if c.dict.size > 0 {
				if n, err = s.b.r.unpacked(c.dict); err != nil {
					return 0, err
				}
			}
			total += n
			if c.enc != encPlain && c.enc != encText {
				continue
			}
			for _, p := range m.rows.parts[s.part:s.past] {
				if n, err = s.b.textOf(c, p.page); err != nil {
					return 0, err
				}
				first, last := s.b.pageRows(p.page)
				total += n * (p.hi - p.lo) / (last - first)
			}
		}
	}
	return total, nil
}

// textOf is about how many bytes of text a page of a column without a
// dictionary has.
func (b *block) textOf(c *columnInfo, page int) (int, error) {
	switch {
	case c.pages[page].size == 0:
		return 0, nil
	case c.enc == encText:
		return int(min(uint64(c.values/len(c.pages))*c.high, column.MaxTexts)), nil
	}
	return b.r.unpacked(c.pages[page])
}

// unpacked is the size of a chunk's content, as far as can be told without
// reading it all.
func (r *Reader) unpacked(ref chunkRef) (int, error) {
	var buf [1 + 2*binary.MaxVarintLen32]byte
	p := buf[:min(len(buf), int(ref.size))]
	if err := r.readAt(p, ref.off); err != nil {
		return 0, err
	}
	if len(p) < 2 || p[0] == codecRaw {
		return int(ref.size), nil
	}
	c := column.Cursor{B: p[1:]}
	head, part := c.Count(maxChunk), c.Count(int(ref.size))
	if p[0] == codecShort {
		return head + part, nil
	}
	return int(ref.size) + head - part, nil
}

// memory is a file that is read only.
type memory struct {
	vfs.File // nil: nobody else uses it
	b        []byte
}

func (f memory) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, f.b[min(off, int64(len(f.b))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
