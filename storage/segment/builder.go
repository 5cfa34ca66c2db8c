package segment

import (
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

	codes   []uint32          // classCodes; classStrings: positions in entries
	nums    []uint64          // classInts
	fixed   []byte            // classFixed
	entries []string          // classStrings: distinct values, or all if raw
	known   map[string]uint32 // classStrings: positions in entries, unless raw
	raw     bool
	bytes   int // of entries

	spans   uint64 // that have a value
	lastRow int    // the latest of them
	order   uint32 // among the builder's attribute columns
	written int    // position in the block's directory, once written

	// follower is the column that came next in the latest span, which is
	// nearly always the one that comes next in this span too.
	follower *columnBuilder
}

func newColumnBuilder(k kind, t telemetry.ValueType, key string) *columnBuilder {
	c := &columnBuilder{kind: k, typ: t, key: key, class: classOf(k, t), lastRow: -1}
	if c.class == classStrings {
		c.known = make(map[string]uint32)
	}
	return c
}

func (c *columnBuilder) reset() {
	c.count, c.pageEnds, c.codes, c.nums, c.fixed = 0, c.pageEnds[:0], c.codes[:0], c.nums[:0], c.fixed[:0]
	clear(c.entries)
	c.entries = c.entries[:0]
	clear(c.known)
	c.raw, c.bytes, c.spans, c.lastRow, c.written = false, 0, 0, -1, -1
}

// begin notes that a value of span row, in the given page, comes next.
func (c *columnBuilder) begin(row, page int) {
	for len(c.pageEnds) < page {
		c.pageEnds = append(c.pageEnds, uint32(c.count))
	}
	if row != c.lastRow {
		c.lastRow = row
		c.spans++
	}
	c.count++
}

func (c *columnBuilder) addString(s string, a *arena) {
	if c.raw {
		c.codes = append(c.codes, uint32(len(c.entries)))
		c.entries = append(c.entries, a.copy(s))
		c.bytes += len(s)
		return
	}
	code, ok := c.known[s]
	if !ok {
		code = uint32(len(c.entries))
		s = a.copy(s)
		c.known[s] = code
		c.entries = append(c.entries, s)
		c.bytes += len(s)
		c.raw = len(c.entries) > dictTrial && len(c.entries)*2 > len(c.codes)
	}
	c.codes = append(c.codes, code)
}

// page returns which values belong to page p.
func (c *columnBuilder) page(p int) (from, to int) {
	if p > 0 {
		from = int(c.pageEnds[p-1])
	}
	return from, int(c.pageEnds[p])
}

// finish fills pageEnds for a block of so many pages.
func (c *columnBuilder) finish(pages int) {
	for len(c.pageEnds) < pages {
		c.pageEnds = append(c.pageEnds, uint32(c.count))
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
	edges map[uint64]uint32 // parent node and column
	ends  []uint32          // the node of each shape, in order of first use
}

type shapeNode struct {
	parent  uint32
	column  uint32 // columnBuilder.order
	recent  uint32 // the child last taken, 0 if none
	code    uint32 // of the shape that ends here
	isShape bool
}

func (s *shapeSet) reset() {
	s.nodes = append(s.nodes[:0], shapeNode{})
	s.ends = s.ends[:0]
	if s.edges == nil {
		s.edges = make(map[uint64]uint32)
	}
	clear(s.edges)
}

// step goes from a node, 0 being the empty list, along a column.
func (s *shapeSet) step(node, column uint32) uint32 {
	if r := s.nodes[node].recent; r != 0 && s.nodes[r].column == column {
		return r
	}
	k := uint64(node)<<32 | uint64(column)
	child, ok := s.edges[k]
	if !ok {
		child = uint32(len(s.nodes))
		s.nodes = append(s.nodes, shapeNode{parent: node, column: column})
		s.edges[k] = child
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
		dst = append(dst, s.nodes[n].column)
	}
	for i, j := start, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}

// entrySet is a dictionary of encoded resources or scopes.
type entrySet struct {
	known   map[string]uint32
	entries []string
	scratch []byte
}

func (e *entrySet) reset() {
	if e.known == nil {
		e.known = make(map[string]uint32)
	}
	clear(e.known)
	clear(e.entries)
	e.entries = e.entries[:0]
}

// code is the number of the entry that scratch holds.
func (e *entrySet) code(a *arena) uint32 {
	if c, ok := e.known[text(e.scratch)]; ok {
		return c
	}
	s := a.copy(text(e.scratch))
	c := uint32(len(e.entries))
	e.known[s] = c
	e.entries = append(e.entries, s)
	return c
}
