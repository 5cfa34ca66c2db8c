package segment

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// Starts and durations are ranked by what is known of a number before its low
// bits: its class, which is its sign and its length in bits. How long a span
// takes and how long after the one before it begins is near what others of its
// form take, so a form has few classes and its most frequent one comes first.
// The bits below the highest are as good as random and stored as they are.
//
// Of starts the differences are stored: that of a trace's first row to the
// trace's start, which its table has, those of the other rows to the row before.

// maxClass is the greatest class: 64 bits, negative.
const maxClass = 2*64 + 1

// hasClasses reports whether k is a column of times that may be ranked by class.
func hasClasses(k kind) bool { return k == kindStart || k == kindDuration }

// times is what a column of times stores, in units of scale.
type times struct {
	sizes []uint64 // without sign
	scale uint64
}

// timesOf is what classify found of a column.
func (x *contexter) timesOf(c *columnBuilder) *times {
	if c.kind == kindStart {
		return &x.starts
	}
	return &x.durations
}

// classify replaces the column's codes by the classes of its values. A start in
// the first row of a page, within a trace, counts as 0: the page has it in full.
func (x *contexter) classify(b *blockBuilder, c *columnBuilder) {
	t := x.timesOf(c)
	t.sizes, c.codes = t.sizes[:0], c.codes[:0]
	scale, last, trace := uint64(0), uint64(0), 0
	for i, v := range c.nums {
		d := v
		if c.kind == kindStart {
			switch {
			case trace < len(b.traceRows) && b.traceRows[trace] == uint64(i):
				d = v - b.starts[trace]
				trace++
			case i%b.pageRows == 0:
				d = 0
			default:
				d = v - last
			}
			last = v
		}
		negative := uint32(d >> 63)
		if negative != 0 {
			d = -d
		}
		if scale != 1 {
			scale = gcd(d, scale)
		}
		t.sizes = append(t.sizes, d)
		c.codes = append(c.codes, negative)
	}
	t.scale = max(scale, 1)
	for i, d := range t.sizes {
		if t.scale > 1 {
			d /= t.scale
			t.sizes[i] = d
		}
		c.codes[i] |= uint32(bits.Len64(d)) << 1
	}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// rankTimes ranks a column of times by class, if that is smaller than its
// numbers by themselves.
func (x *contexter) rankTimes(b *blockBuilder, c *columnBuilder) {
	x.classify(b, c)
	x.rank(b, c, b.former.codes, maxClass+1)
	if c.context.mode != ranked {
		return
	}
	t := x.timesOf(c)
	low, spread := 0, uint64(0)
	for i, class := range c.codes {
		low += max(int(class>>1), 1) - 1
		spread = max(spread, t.sizes[i]-t.sizes[0], t.sizes[0]-t.sizes[i])
		if class&1 != 0 {
			spread = 1<<63 - 1
		}
	}
	// A class takes about two bits. Numbers close to each other and far from 0
	// are smaller as differences to the least.
	if bits.Len64(spread)*len(c.codes) < low+2*len(c.codes) {
		c.context = context{ranks: c.context.ranks[:0]}
		return
	}
	c.context.scale = t.scale
}

// encodeTimes writes the pages of a column ranked by class: of starts the first
// value in 8 bytes, unless it is that of a trace's first row, then the size of the ranks, the ranks, and for each value
// the bits below its highest.
func (b *blockBuilder) encodeTimes(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	out, err := b.encodeLists(out, c, info)
	if err != nil {
		return nil, err
	}
	sizes := b.contexts.timesOf(c).sizes
	return b.pages(out, c, info, func(from, to int) ([]byte, int) {
		ranks := column.AppendCodes(nil, b.storedRanks(c, from, to))
		body := b.body[:0]
		if _, first := slices.BinarySearch(b.traceRows, uint64(from)); c.kind == kindStart && !first {
			body = binary.LittleEndian.AppendUint64(body, c.nums[from])
		}
		body = binary.AppendUvarint(body, uint64(len(ranks)))
		body = append(body, ranks...)
		return column.AppendLow(body, sizes[from:to]), len(body)
	})
}

// times reads a page of a column ranked by class.
func (m *codeMaker) times() ([]uint64, error) {
	ref := m.c.pages[m.p]
	body, err := m.b.r.read(ref, m.c)
	if err != nil {
		return nil, err
	}
	var starts *startMaker
	cur := column.Cursor{B: body}
	if m.c.kind == kindStart {
		if starts, err = m.b.startsFrom(m.p, &cur); err != nil {
			return nil, err
		}
	}
	var classes []uint32
	stored, err := column.DecodeCodes(cur.Sized(), m.rows, maxClass)
	if err == nil { // where the bits of a row lie follows from the classes of all rows before it
		all := *m
		all.needed = needed{hi: m.hi}
		classes, err = ranksOf[uint32](&all, stored)
	}
	var nums []uint64
	if err == nil {
		nums, err = column.Low(cur.B, classes, m.lo)
	}
	if err != nil {
		return nil, m.b.r.corrupt(ref.off, m.c, column.ErrCorrupt)
	}
	if starts != nil && m.lo > 0 && !starts.begin(m.lo) {
		return nil, errBefore
	}
	for i, class := range classes[m.lo:] {
		d := nums[i] * m.scale
		if class&1 != 0 {
			d = -d
		}
		if starts != nil {
			d = starts.add(m.lo+i, d)
		}
		nums[i] = d
	}
	return nums, nil
}

// startMaker adds up the starts of a page.
type startMaker struct {
	traces *traceTable
	row    int // of the block, the page's first
	trace  int // the next that begins
	last   uint64
}

// startsFrom prepares page p and reads its first start, if c has it.
func (b *block) startsFrom(p int, c *column.Cursor) (*startMaker, error) {
	traces, err := b.traces()
	if err != nil {
		return nil, err
	}
	lo, _ := b.pageRows(p)
	s := &startMaker{traces: traces, row: lo}
	var first bool
	if s.trace, first = slices.BinarySearch(traces.rows, uint32(lo)); !first {
		if first := c.Bytes(8); len(first) == 8 {
			s.last = binary.LittleEndian.Uint64(first)
		}
	}
	return s, nil
}

// begin goes on to row i of the page; false means that no trace begins there.
func (s *startMaker) begin(i int) (begins bool) {
	s.trace, begins = slices.BinarySearch(s.traces.rows, uint32(s.row+i))
	return begins
}

// add is the start of row i of the page, whose difference is d.
func (s *startMaker) add(i int, d uint64) uint64 {
	if s.trace < len(s.traces.rows) && s.traces.rows[s.trace] == uint32(s.row+i) {
		s.last = s.traces.starts[s.trace]
		s.trace++
	}
	s.last += d
	return s.last
}
