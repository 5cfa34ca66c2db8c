package segment

import (
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

const (
	// cellRows is how many rows a block must have for each cell, and
	// bucketRows for each bucket of a cell's durations. With fewer, reading the
	// rows costs hardly more than reading the cells.
	cellRows   = 16
	bucketRows = 2
)

// cellMaker makes cells, in memory that is used again.
type cellMaker struct {
	c       *cells
	by      *dimensions
	like    []uint32      // by resource: the one that stands for it
	tables  []numberTable // by dimension, the last that of time: numbers of combinations of its code with those before
	counts  [][]uint32    // by extra column and shape: how many values a span takes; nil: one
	numbers []uint32      // by row of the page: the combination so far
	first   uint64        // number of the block's first interval
	codes   [][]uint32    // by dimension and row of the page
	cells   []uint32      // by row of the block
	buckets []uint16      // likewise
	sorted  []uint16      // buckets in the order of the cells
	ends    []uint32      // by cell, of its run in sorted
	rows    scan.Rows     // durations and starts of the page
	tally   bucketTally   // of the cell at hand

	histograms scan.Histogram // of all cells, one after the other
}

// bucketTally counts one cell's durations.
type bucketTally struct {
	counts [scan.HistogramPlaces]uint32
	used   [scan.HistogramPlaces / 64]uint64 // bits of counts
}

var cellMakers = sync.Pool{New: func() any { return new(cellMaker) }}

// make adds up the spans of a block; there are no cells where that would save
// nothing.
func (m *cellMaker) make(b *block, d *directory, e *entries, by *dimensions, id cellsID) (*cells, error) {
	m.c, m.by, m.like = &cells{id: id}, by, e.like
	defer func() { m.c, m.by, m.like = nil, nil, nil }()
	if id.step > 0 {
		m.first = interval(b.info.minStart, id)
		if interval(b.info.maxStart, id)-m.first >= uint64(b.info.rows) {
			return &cells{id: id}, nil
		}
	}
	for len(m.tables) < m.dimensions() {
		m.tables, m.codes = append(m.tables, numberTable{}), append(m.codes, nil)
	}
	for i := range m.tables {
		m.tables[i].reset()
	}
	ok, err := m.takes(b, d)
	if err != nil || !ok {
		return &cells{id: id}, err
	}
	m.cells, m.buckets = m.cells[:0], m.buckets[:0]
	for lo, p := 0, 0; lo < b.info.rows; p++ {
		if err := m.page(b, d, p); err != nil {
			return nil, err
		}
		_, lo = b.pageRows(p)
		if len(m.c.spans) > b.info.rows/cellRows {
			return &cells{id: id}, nil
		}
	}
	if !id.durations {
		return m.c, nil
	}
	m.sort()
	if !m.count(b.info.rows / bucketRows) {
		return &cells{id: id}, nil
	}
	return m.c, nil
}

// interval is the number of a start's interval, 0 being that before the phase.
func interval(start uint64, id cellsID) uint64 {
	if start < id.phase {
		return 0
	}
	return (start-id.phase)/id.step + 1
}

// dimensions is how many codes tell cells apart.
func (m *cellMaker) dimensions() int {
	n := 2 + len(m.by.columns)
	if m.c.id.step > 0 {
		n++
	}
	return n
}

// takes fills counts. It is false where a span takes two values of a column.
func (m *cellMaker) takes(b *block, d *directory) (bool, error) {
	m.counts = m.counts[:0]
	for _, c := range m.by.columns {
		m.c.extra = append(m.c.extra, cellColumn{position: c.position})
		if c.kind < kindAttr {
			m.counts = append(m.counts, nil)
			continue
		}
		sh, err := b.shapes(d)
		if err != nil {
			return false, err
		}
		counts := make([]uint32, len(sh.lists[spaceSpan]))
		for shape, list := range sh.lists[spaceSpan] {
			for _, position := range list {
				if int(position) == c.position {
					counts[shape]++
				}
			}
			if counts[shape] > 1 {
				return false, nil
			}
		}
		m.counts = append(m.counts, counts)
	}
	return true, nil
}

// page gives each row of a page its cell and its bucket.
func (m *cellMaker) page(b *block, d *directory, p int) error {
	lo, hi := b.pageRows(p)
	if err := m.readCodes(b, d, p, hi-lo); err != nil {
		return err
	}
	m.rows.Duration = m.rows.Duration[:0]
	if m.c.id.durations {
		if err := b.durations(d, p, 0, hi-lo, &m.rows); err != nil {
			return err
		}
	}
	m.numbers = append(m.numbers[:0], make([]uint32, hi-lo)...)
	for dim, codes := range m.codes[:m.dimensions()] {
		table := &m.tables[dim]
		last, number := uint64(math.MaxUint64), uint32(0)
		for i, code := range codes {
			if key := uint64(m.numbers[i])<<32 | uint64(code); key != last {
				last = key
				number, _ = table.number(key)
			}
			m.numbers[i] = number
		}
	}
	for i, cell := range m.numbers {
		m.add(i, cell)
	}
	for i, duration := range m.rows.Duration {
		m.addDuration(m.numbers[i], duration)
	}
	return nil
}

// readCodes fills codes with those of a page of n rows.
func (m *cellMaker) readCodes(b *block, d *directory, p, n int) error {
	for i := range m.codes {
		m.codes[i] = append(m.codes[i][:0], make([]uint32, n)...)
	}
	forms, err := b.fixedValues(d, kindForm, p, n)
	if err != nil {
		return err
	}
	forms.codesInto(0, 0, m.codes[0])
	resources, err := b.fixedValues(d, kindResource, p, n)
	if err != nil {
		return err
	}
	resources.codesInto(0, 0, m.codes[1])
	if !m.by.instances {
		for i, code := range m.codes[1] {
			m.codes[1][i] = m.like[code]
		}
	}
	for i, c := range m.by.columns {
		if err := m.readColumn(b, d, c, m.counts[i], p, m.codes[2+i]); err != nil {
			return err
		}
	}
	if m.c.id.step > 0 {
		return m.readIntervals(b, d, p, m.codes[m.dimensions()-1])
	}
	return nil
}

// readIntervals fills codes with how many intervals the starts of a page are
// after the block's first.
func (m *cellMaker) readIntervals(b *block, d *directory, p int, codes []uint32) error {
	v, err := b.fixedValues(d, kindStart, p, len(codes))
	if err != nil {
		return err
	}
	id := m.c.id
	code, from := uint32(0), uint64(0)
	for i := range codes {
		start := v.num(i)
		if from == 0 || start-from >= id.step {
			n := interval(start, id)
			if start < b.info.minStart || start > b.info.maxStart {
				return b.corruptPage(v.info, p)
			}
			code, from = uint32(n-m.first), beginning(n, id)
		}
		codes[i] = code
	}
	return nil
}

// beginning is where interval n begins, or 0 for that before the phase.
func beginning(n uint64, id cellsID) uint64 {
	if n == 0 {
		return 0
	}
	return (n-1)*id.step + id.phase
}

// readColumn fills codes with those of a column, plus one.
func (m *cellMaker) readColumn(b *block, d *directory, c *columnInfo, counts []uint32, p int, codes []uint32) error {
	if counts == nil {
		v, err := b.fixedValues(d, c.kind, p, len(codes))
		if err == nil {
			v.codesInto(0, 1, codes)
		}
		return err
	}
	shapes, err := b.fixedValues(d, kindShape, p, len(codes))
	if err != nil {
		return err
	}
	v, err := b.values(c, p)
	if err != nil {
		return err
	}
	next := 0
	for i := range codes {
		if counts[shapes.code(i)] == 0 {
			continue
		}
		if !v.has(next + 1) {
			return b.corruptPage(c, p)
		}
		codes[i] = v.code(next) + 1
		next++
	}
	return nil
}

// add adds row i of the page to the cell with a number.
func (m *cellMaker) add(i int, cell uint32) {
	c := m.c
	if int(cell) == len(c.spans) {
		c.forms, c.resources = append(c.forms, m.codes[0][i]), append(c.resources, m.codes[1][i])
		for k := range c.extra {
			c.extra[k].codes = append(c.extra[k].codes, m.codes[2+k][i])
		}
		c.spans = append(c.spans, 0)
		if c.id.step > 0 {
			c.starts = append(c.starts, beginning(m.first+uint64(m.codes[m.dimensions()-1][i]), c.id))
		}
		if c.id.durations {
			c.min, c.max = append(c.min, math.MaxUint64), append(c.max, 0)
		}
	}
	c.spans[cell]++
}

func (m *cellMaker) addDuration(cell uint32, duration uint64) {
	c := m.c
	c.min[cell], c.max[cell] = min(c.min[cell], duration), max(c.max[cell], duration)
	m.cells = append(m.cells, cell)
	m.buckets = append(m.buckets, uint16(scan.HistogramPlace(duration)))
}

// sort puts the rows' buckets in the order of the cells.
func (m *cellMaker) sort() {
	m.ends = m.ends[:0]
	end := uint32(0)
	for _, n := range m.c.spans {
		m.ends = append(m.ends, end)
		end += n
	}
	m.sorted = append(m.sorted[:0], m.buckets...)
	for row, cell := range m.cells {
		m.sorted[m.ends[cell]] = m.buckets[row]
		m.ends[cell]++
	}
}

// count makes the histograms, unless there are more than most buckets.
func (m *cellMaker) count(most int) bool {
	m.histograms = m.histograms[:0]
	from := uint32(0)
	for i, end := range m.ends {
		m.tally.add(m.sorted[from:end])
		var n int
		m.histograms, n = m.tally.take(m.histograms)
		most -= n
		from, m.ends[i] = end, uint32(len(m.histograms))
	}
	if most < 0 {
		return false
	}
	all := slices.Clone(m.histograms)
	m.c.histograms = make([]scan.Histogram, 0, len(m.ends))
	from = 0
	for _, end := range m.ends {
		m.c.histograms = append(m.c.histograms, all[from:end:end])
		from = end
	}
	return true
}

func (t *bucketTally) add(buckets []uint16) {
	for _, b := range buckets {
		t.counts[b]++
		t.used[b/64] |= 1 << (b % 64)
	}
}

// take appends what was added and forgets it; n is how many buckets that are.
func (t *bucketTally) take(dst scan.Histogram) (_ scan.Histogram, n int) {
	last := -1
	for w, word := range t.used {
		for ; word != 0; word &= word - 1 {
			b := w*64 + bits.TrailingZeros64(word)
			dst = dst.AppendCount(last, b, t.counts[b])
			t.counts[b] = 0
			last = b
			n++
		}
		t.used[w] = 0
	}
	return dst, n
}
