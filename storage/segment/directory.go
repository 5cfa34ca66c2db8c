package segment

import (
	"encoding/binary"
	"math"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// chunkRef is where a chunk lies; size 0 means that there is none.
type chunkRef struct {
	off  int64
	size uint32
}

// columnInfo describes one column of one block. It is immutable once read.
type columnInfo struct {
	kind     kind
	typ      telemetry.ValueType // of attributes
	decimals byte                // of doubles without a dictionary, see column.Decimals
	key      string              // of attributes
	enc      encoding
	values   int    // in all pages
	low      uint64 // least value, as a signed number; of strings without a dictionary, length
	high     uint64 // greatest
	entries  int    // of the dictionary
	dict     chunkRef
	bloom    chunkRef // over strings whose dictionary, if any, is a chunk of its own
	pages    []chunkRef
	position int         // among the block's columns
	inline   []byte      // the dictionary, where it is part of the directory
	known    *dict       // the same decoded
	derived  bool        // the column has no pages, byForm has its codes
	byForm   []uint32    // see former.settle
	form     *columnInfo // the column of forms, if derived or in a context
	context  contextMode
	contexts chunkRef    // unless context is 0
	by       int         // paired: position of the other column
	pair     *columnInfo // the other column
	parent   *columnInfo // inherited: the column of parents
	forms    int         // of the block
}

func (c *columnInfo) class() class { return classOf(c.kind, c.typ) }

// constant reports whether all values are the same: such a column has no
// pages.
func (c *columnInfo) constant() bool {
	return c.enc == encConst || c.enc == encDict && c.entries == 1
}

// name is the column's name for people.
func (c *columnInfo) name() string {
	if c.kind >= kindAttr {
		return spaceNames[c.kind-kindAttr] + "." + c.key + " (" + c.typ.String() + ")"
	}
	return kindNames[c.kind]
}

// directory describes one block. It is immutable once read.
type directory struct {
	rows, events, links, traces int
	forms                       int // as many as the codes of derived columns
	columns                     []columnInfo
	resources, scopes           tableInfo
	shapes                      chunkRef
	traceTable                  chunkRef
	byKind                      [kindCount]*columnInfo
	attrs                       [spaces]map[string][]*columnInfo // by key
}

// tableInfo is a dictionary of resources or scopes.
type tableInfo struct {
	entries int
	chunk   chunkRef
}

func (d *directory) append(dst []byte) []byte {
	for _, n := range []int{d.rows, d.events, d.links, d.traces, d.forms, len(d.columns)} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for i := range d.columns {
		c := &d.columns[i]
		dst = append(dst, byte(c.kind), byte(c.enc)|one(c.derived)<<7|byte(c.context&3)<<5|byte(c.context>>2)<<4)
		if c.kind >= kindAttr {
			dst = append(dst, byte(c.typ))
			dst = binary.AppendUvarint(dst, uint64(len(c.key)))
			dst = append(dst, c.key...)
		}
		if c.typ == telemetry.ValueDouble {
			dst = append(dst, c.decimals)
		}
		dst = binary.AppendUvarint(dst, uint64(c.values))
		dst = binary.AppendUvarint(dst, column.Zigzag(c.low))
		dst = binary.AppendUvarint(dst, c.high-c.low)
		dst = binary.AppendUvarint(dst, uint64(c.entries))
		dst = binary.AppendUvarint(dst, uint64(c.dict.size))
		if c.context != inNoContext {
			dst = binary.AppendUvarint(dst, uint64(c.by))
			dst = binary.AppendUvarint(dst, uint64(c.contexts.size))
		}
		dst = binary.AppendUvarint(dst, uint64(c.bloom.size))
		dst = binary.AppendUvarint(dst, uint64(len(c.inline)))
		dst = append(dst, c.inline...)
		if c.derived {
			dst = column.AppendCodes(dst, c.byForm)
		}
		dst = binary.AppendUvarint(dst, uint64(len(c.pages)))
		for _, p := range c.pages {
			dst = binary.AppendUvarint(dst, uint64(p.size))
		}
	}
	for _, t := range []tableInfo{d.resources, d.scopes} {
		dst = binary.AppendUvarint(dst, uint64(t.entries))
		dst = binary.AppendUvarint(dst, uint64(t.chunk.size))
	}
	dst = binary.AppendUvarint(dst, uint64(d.shapes.size))
	return binary.AppendUvarint(dst, uint64(d.traceTable.size))
}

// decodeDirectory reads the directory of a block whose chunks begin at off
// and end where the directory itself begins.
func decodeDirectory(src []byte, off, end int64, pageRows int) (*directory, error) {
	c := column.Cursor{B: src}
	place := func() chunkRef {
		size := c.Count(int(min(end-off, maxChunk)))
		r := chunkRef{off: off, size: uint32(size)}
		off += int64(size)
		return r
	}
	d := &directory{
		rows: c.Count(maxBlockRows), events: c.Count(column.MaxValues), links: c.Count(column.MaxValues), traces: c.Count(maxBlockRows),
		forms: c.Count(4 * maxForms),
	}
	pages := (d.rows + pageRows - 1) / pageRows
	d.columns = make([]columnInfo, c.Count(len(c.B)))
	for i := range d.columns {
		col := &d.columns[i]
		col.position = i
		col.kind, col.enc = kind(c.Byte()), encoding(c.Byte())
		col.derived, col.context, col.enc = col.enc>>7 != 0, contextMode(col.enc>>5&3|col.enc>>4&1<<2), col.enc&15
		if col.kind >= kindAttr {
			col.typ, col.key = telemetry.ValueType(c.Byte()), string(c.Sized())
		}
		if col.typ == telemetry.ValueDouble {
			col.decimals = c.Byte()
		}
		col.values = c.Count(maxDictCodes)
		col.low = column.Unzigzag(c.Uvarint())
		col.high = col.low + c.Uvarint()
		col.entries = c.Count(maxDictCodes)
		col.dict = place()
		if col.context != inNoContext {
			col.by, col.contexts = c.Count(len(d.columns)), place()
		}
		col.bloom = place()
		if body := c.Sized(); len(body) > 0 {
			col.inline = body
			var err error
			if col.known, err = decodeDict(col, body); err != nil {
				return nil, err
			}
		}
		if col.derived {
			codes := c.Codes(d.forms)
			for i := range codes.Len() {
				col.byForm = append(col.byForm, codes.At(i))
			}
		}
		if n := c.Count(pages); n > 0 && c.Err == nil {
			col.pages = make([]chunkRef, n)
			for p := range col.pages {
				col.pages[p] = place()
			}
		}
		if c.Err == nil && (!col.valid(pages) || col.derived && !col.validForms(d.forms)) {
			return nil, column.ErrCorrupt
		}
	}
	for _, t := range []*tableInfo{&d.resources, &d.scopes} {
		t.entries = c.Count(maxDictCodes)
		t.chunk = place()
	}
	d.shapes, d.traceTable = place(), place()
	if c.Err != nil || len(c.B) != 0 || off != end {
		return nil, column.ErrCorrupt
	}
	return d, d.link()
}

// valid checks what does not depend on other columns.
func (c *columnInfo) valid(pages int) bool {
	switch {
	case c.kind == 0, c.kind >= kindCount && c.kind < kindAttr, c.kind >= kindAttr+kind(spaces),
		c.typ > telemetry.ValueMap, c.enc >= encodings, c.decimals > column.MaxDecimals:
		return false
	case c.context != inNoContext && !c.validContext():
		return false
	case c.class() == classNone:
		return len(c.pages) == 0
	case c.class() == classCodes && (c.high > math.MaxUint32 || c.low > c.high), c.enc == encConst && c.low != c.high:
		return false
	case c.enc == encDict && (c.entries == 0 || c.class() == classFixed || c.class() == classCodes):
		return false
	case c.enc == encText && (c.entries == 0 || c.class() != classStrings || c.derived):
		return false
	case c.enc == encConst && c.class() != classCodes && c.class() != classInts:
		return false
	case c.constant(), c.derived, c.context == paired:
		return len(c.pages) == 0
	}
	return len(c.pages) == pages
}

// validContext checks that the column has codes and may have a context.
func (c *columnInfo) validContext() bool {
	switch {
	case c.derived || c.constant() || spaceOf(c.kind) != spaceSpan && c.kind != kindAttr || c.kind == kindForm,
		c.class() != classCodes && c.enc != encDict && !c.classed(), c.class() == classCodes && c.enc != encPlain,
		c.context == inherited && c.kind != kindResource, (c.context == paired || c.context == traced) && c.kind != kindAttr,
		c.context >= contextModes:
		return false
	}
	return true
}

// classed reports whether a context of the column is of the classes of times.
func (c *columnInfo) classed() bool {
	return hasClasses(c.kind) && c.enc == encPlain && c.context == ranked
}

// validForms checks a derived column's codes.
func (c *columnInfo) validForms(forms int) bool {
	limit := uint64(c.entries)
	switch {
	case spaceOf(c.kind) != spaceSpan || c.kind == kindForm || c.constant() || len(c.byForm) != forms:
		return false
	case c.class() == classCodes:
		limit = c.high + 1
	case c.enc != encDict:
		return false
	}
	if c.kind >= kindAttr {
		limit++
	}
	for _, code := range c.byForm {
		if uint64(code) >= limit {
			return false
		}
	}
	return true
}

// link fills the lookup tables and checks that every block has what every
// block must have.
func (d *directory) link() error {
	for i := range d.columns {
		c := &d.columns[i]
		if c.kind < kindAttr {
			if d.byKind[c.kind] != nil {
				return column.ErrCorrupt
			}
			d.byKind[c.kind] = c
			continue
		}
		s := c.kind - kindAttr
		if d.attrs[s] == nil {
			d.attrs[s] = make(map[string][]*columnInfo)
		}
		d.attrs[s][c.key] = append(d.attrs[s][c.key], c)
	}
	counts := [spaces]int{d.rows, d.events, d.links}
	for k := kindSpanID; k < kindCount; k++ {
		n := counts[spaceOf(k)]
		if k == kindParentRaw || n == 0 {
			continue
		}
		if c := d.byKind[k]; c == nil || c.values != n {
			return column.ErrCorrupt
		}
	}
	if form := d.byKind[kindForm]; form.high >= uint64(max(d.forms, 1)) {
		return column.ErrCorrupt
	}
	for i := range d.columns {
		c := &d.columns[i]
		if c.derived || c.context != inNoContext {
			c.form, c.forms, c.parent = d.byKind[kindForm], d.forms, d.byKind[kindParent]
		}
		if c.context != paired {
			continue
		}
		if c.by >= len(d.columns) {
			return column.ErrCorrupt
		}
		c.pair = &d.columns[c.by]
		if c.pair.kind != kindAttr || c.pair.enc != encDict || c.pair.derived || c.pair.context == paired || c.pair.constant() {
			return column.ErrCorrupt
		}
	}
	if d.rows == 0 || d.traces == 0 || d.traces > d.rows || d.resources.entries == 0 || d.scopes.entries == 0 {
		return column.ErrCorrupt
	}
	return nil
}

// each calls f for every chunk of the block.
func (d *directory) each(f func(s section, r chunkRef) error) error {
	call := func(s section, r chunkRef) error {
		if r.size == 0 {
			return nil
		}
		return f(s, r)
	}
	for i := range d.columns {
		c := &d.columns[i]
		if err := call(dictOf{c}, c.dict); err != nil {
			return err
		}
		if err := call(contextOf{c}, c.contexts); err != nil {
			return err
		}
		if err := call(bloomOf{c}, c.bloom); err != nil {
			return err
		}
		for _, p := range c.pages {
			if err := call(c, p); err != nil {
				return err
			}
		}
	}
	if err := call(named("resources"), d.resources.chunk); err != nil {
		return err
	}
	if err := call(named("scopes"), d.scopes.chunk); err != nil {
		return err
	}
	if err := call(named("shapes"), d.shapes); err != nil {
		return err
	}
	return call(named("traces"), d.traceTable)
}
