package segment

import (
	"slices"
	"unsafe"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// A column of strings gives up on its dictionary while it grows, once it has
// more than dictTrial entries and more than half of its values are entries.
const dictTrial = 1024

// columnBuilder collects one column of one block. Which fields are in use
// depends on the class.
type columnBuilder struct {
	kind  kind
	typ   telemetry.ValueType
	key   string
	class class

	count    int      // values
	pageEnds []uint32 // count at the end of each page that is complete

	codes   []uint32   // classCodes; classStrings: positions in entries; raw: lengths
	nums    []uint64   // classInts
	fixed   []byte     // classFixed
	entries []string   // classStrings: the distinct values, unless raw
	known   textTable  // of entries
	recent  [16]uint32 // classStrings: codes to try first, see addString
	bytes   int        // of entries

	raw      bool     // of classStrings: there is no dictionary, text has it all
	text     []byte   // raw: each value and a zero byte
	textEnds []uint32 // raw: len(text) at the end of each page that is complete

	derived  bool     // from the span's form, see former
	byForm   []uint32 // derived: codes by form
	numbers  []uint64 // classInts: the dictionary, whose codes are in codes
	counted  bool     // classInts: it is known whether there is a dictionary, and numbers has it
	context  context  // what else the codes follow from
	repeated bool     // some span has more than one value

	spans   uint64 // that have a value
	lastRow int    // the latest of them
	order   uint32 // among the builder's attribute columns
	written int    // position in the block's directory, once written
}

func newColumnBuilder(k kind, t telemetry.ValueType, key string) *columnBuilder {
	return &columnBuilder{kind: k, typ: t, key: key, class: classOf(k, t), lastRow: -1}
}

func (c *columnBuilder) reset() {
	c.count, c.pageEnds, c.codes, c.nums, c.fixed = 0, c.pageEnds[:0], c.codes[:0], c.nums[:0], c.fixed[:0]
	clear(c.entries)
	c.entries = c.entries[:0]
	if c.known.used > 0 {
		c.known.reset()
	}
	c.recent = [16]uint32{}
	c.raw, c.text, c.textEnds = false, c.text[:0], c.textEnds[:0]
	c.bytes, c.spans, c.lastRow, c.written = 0, 0, -1, -1
	c.derived, c.repeated = false, false
	c.numbers, c.counted = c.numbers[:0], false
	c.context = context{ranks: c.context.ranks[:0]}
}

// begin notes that a value of span row, in the given page, comes next.
func (c *columnBuilder) begin(row, page int) {
	if len(c.pageEnds) < page {
		c.finish(page)
	}
	if row != c.lastRow {
		c.lastRow = row
		c.spans++
	} else {
		c.repeated = true
	}
	c.count++
}

// addString adds a value of a span with the given name code. Spans of one
// name have much in common, so the value that the latest of them had is tried
// first.
func (c *columnBuilder) addString(s string, name uint32, a *arena) {
	if c.raw {
		c.addRaw(s)
		a.bytes += len(s)
		return
	}
	recent := &c.recent[name%uint32(len(c.recent))]
	if code := *recent; int(code) < len(c.entries) && c.entries[code] == s {
		c.codes = append(c.codes, code)
		return
	}
	code, known := c.known.find(s, c.entries)
	if !known {
		c.entries = append(c.entries, a.copy(s))
		c.bytes += len(s)
		if n := len(c.entries); n > dictTrial && n*2 > len(c.codes) && c.kind >= kindAttr {
			c.giveUp(code)
			return
		}
	}
	c.codes = append(c.codes, code)
	*recent = code
}

// entry is the code of a value that is put into the dictionary.
func (c *columnBuilder) entry(s string, a *arena) uint32 {
	code, known := c.known.find(s, c.entries)
	if !known {
		c.entries = append(c.entries, a.copy(s))
		c.bytes += len(s)
	}
	return code
}

func (c *columnBuilder) addRaw(s string) {
	c.codes = append(c.codes, uint32(len(s)))
	c.text = append(append(c.text, s...), 0)
	c.bytes += len(s)
}

// giveUp makes the column raw. Its values so far and one more, an entry that
// codes does not have yet, are written out.
func (c *columnBuilder) giveUp(last uint32) {
	codes := append(slices.Clone(c.codes), last)
	c.raw, c.codes, c.bytes = true, c.codes[:0], 0
	page := 0
	for i, code := range codes {
		for page < len(c.pageEnds) && int(c.pageEnds[page]) == i {
			c.textEnds = append(c.textEnds, uint32(len(c.text)))
			page++
		}
		c.addRaw(c.entries[code])
	}
	clear(c.entries)
	c.entries = c.entries[:0]
	c.known.reset()
}

// page returns which values belong to page p.
func (c *columnBuilder) page(p int) (from, to int) {
	if p > 0 {
		from = int(c.pageEnds[p-1])
	}
	return from, int(c.pageEnds[p])
}

// finish fills pageEnds for a block of so many pages. The value that begin
// announces is not in the column yet.
func (c *columnBuilder) finish(pages int) {
	for len(c.pageEnds) < pages {
		c.pageEnds = append(c.pageEnds, uint32(c.count))
		if c.raw {
			c.textEnds = append(c.textEnds, uint32(len(c.text)))
		}
	}
}

// rows is finish for a column that every span has, without begin.
func (c *columnBuilder) rows(pages, pageRows, rows int) {
	c.count = rows
	for p := len(c.pageEnds); p < pages; p++ {
		c.pageEnds = append(c.pageEnds, uint32(min((p+1)*pageRows, rows)))
	}
}

// arena holds copies of strings until reset; they must not be used after.
type arena struct {
	chunks [][]byte
	used   int // chunks in use; the last of them is being filled
	bytes  int
}

const arenaChunk = 256 << 10

func (a *arena) copy(s string) string {
	if len(s) == 0 {
		return ""
	}
	a.bytes += len(s)
	if len(s) > arenaChunk/8 {
		return string(append([]byte(nil), s...))
	}
	if a.used == 0 || cap(a.chunks[a.used-1])-len(a.chunks[a.used-1]) < len(s) {
		if a.used == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, 0, arenaChunk))
		}
		a.used++
	}
	chunk := &a.chunks[a.used-1]
	at := len(*chunk)
	*chunk = append(*chunk, s...)
	return unsafe.String(&(*chunk)[at], len(s))
}

func (a *arena) reset() {
	for i := range a.chunks[:a.used] {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.used, a.bytes = 0, 0
}

// shapeSet numbers the distinct lists of attribute columns. A list is a path
// in a tree whose edges are columns.
type shapeSet struct {
	nodes []shapeNode
	edges numberTable // parent node and column
	ends  []uint32    // the node of each shape, in order of first use
}

type shapeNode struct {
	column  *columnBuilder
	parent  uint32
	recent  uint32 // the child last taken, 0 if none
	child   uint32 // the latest child, 0 if none
	sibling uint32 // the parent's child before, 0 if none
	code    uint32 // of the shape that ends here
	isShape bool
}

// maxSiblings is how many children of a node are tried one by one.
const maxSiblings = 8

func (s *shapeSet) reset() {
	clear(s.nodes) // no pointers to columns that were forgotten
	s.nodes = append(s.nodes[:0], shapeNode{})
	s.ends = s.ends[:0]
	s.edges.reset()
}

// find goes from a node, 0 being the empty list, along the column of a key.
// It knows the ways that spans before took, but for rare ones; 0 means that
// it does not know.
func (s *shapeSet) find(node uint32, t telemetry.ValueType, key string) uint32 {
	n := &s.nodes[node]
	if r := n.recent; r != 0 {
		if c := s.nodes[r].column; c.typ == t && c.key == key {
			return r
		}
	}
	r := n.child
	for range maxSiblings {
		if r == 0 {
			break
		}
		if c := s.nodes[r].column; c.typ == t && c.key == key {
			n.recent = r
			return r
		}
		r = s.nodes[r].sibling
	}
	return 0
}

// along goes from a node along a column.
func (s *shapeSet) along(node uint32, c *columnBuilder) uint32 {
	if r := s.nodes[node].recent; r != 0 && s.nodes[r].column == c {
		return r
	}
	return s.step(node, c)
}

// step goes from a node along a column.
func (s *shapeSet) step(node uint32, c *columnBuilder) uint32 {
	k := uint64(node)<<32 | uint64(c.order)
	child, known := s.edges.get(k)
	if !known {
		child = uint32(len(s.nodes))
		s.nodes = append(s.nodes, shapeNode{column: c, parent: node, sibling: s.nodes[node].child})
		s.nodes[node].child = child
		s.edges.set(k, child)
	}
	s.nodes[node].recent = child
	return child
}

// code is the number of the list that ends at a node.
func (s *shapeSet) code(node uint32) uint32 {
	n := &s.nodes[node]
	if !n.isShape {
		n.isShape, n.code = true, uint32(len(s.ends))
		s.ends = append(s.ends, node)
	}
	return n.code
}

// columns is the list of a shape, in order, at the end of dst.
func (s *shapeSet) columns(dst []uint32, code int) []uint32 {
	start := len(dst)
	for n := s.ends[code]; n != 0; n = s.nodes[n].parent {
		dst = append(dst, s.nodes[n].column.order)
	}
	for i, j := start, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}

// entrySet is a dictionary of encoded resources or scopes.
type entrySet struct {
	known   textTable
	entries []string
	scratch []byte
}

func (e *entrySet) reset() {
	e.known.reset()
	clear(e.entries)
	e.entries = e.entries[:0]
}

// code is the number of the entry that scratch holds.
func (e *entrySet) code(a *arena) uint32 {
	c, known := e.known.find(text(e.scratch), e.entries)
	if !known {
		e.entries = append(e.entries, a.copy(text(e.scratch)))
	}
	return c
}
