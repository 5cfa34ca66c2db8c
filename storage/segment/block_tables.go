package segment

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// traceTable is the decoded trace table of a block.
type traceTable struct {
	rows   []uint32 // first row of each trace
	starts []uint64
	ids    []byte
	total  int // rows of the block
}

func (t *traceTable) size() int { return 4*len(t.rows) + 8*len(t.starts) + len(t.ids) }

func (t *traceTable) id(i int) telemetry.TraceID { return telemetry.TraceID(t.ids[i*16:]) }

// find is the number of the trace with the id among those in [lo, hi), or -1.
func (t *traceTable) find(id telemetry.TraceID, lo, hi int) int {
	for i := lo; i < hi; i++ {
		if t.id(i) == id {
			return i
		}
	}
	return -1
}

// end is the row after the last of trace i.
func (t *traceTable) end(i int) int {
	if i+1 < len(t.rows) {
		return int(t.rows[i+1])
	}
	return t.total
}

// at is the number of the trace that row belongs to.
func (t *traceTable) at(row int) int {
	i, exact := slices.BinarySearch(t.rows, uint32(row))
	if !exact {
		i--
	}
	return i
}

func decodeTraces(src []byte, d *directory) (*traceTable, error) {
	c := column.Cursor{B: src}
	t := &traceTable{total: d.rows}
	rows, err := tableInts(&c, d.traces)
	if err != nil {
		return nil, err
	}
	if t.starts, err = tableInts(&c, d.traces); err != nil {
		return nil, err
	}
	t.ids = c.B
	if len(t.ids) != 16*d.traces || rows[0] != 0 || rows[len(rows)-1] >= uint64(d.rows) {
		return nil, column.ErrCorrupt
	}
	t.rows = make([]uint32, len(rows))
	for i, row := range rows {
		if i > 0 && row <= rows[i-1] {
			return nil, column.ErrCorrupt
		}
		t.rows[i] = uint32(row)
	}
	return t, nil
}

// tableInts reads n numbers, with their size before them.
func tableInts(c *column.Cursor, n int) ([]uint64, error) {
	part := c.Sized()
	if c.Err != nil {
		return nil, c.Err
	}
	v, err := column.DecodeInts(part, n)
	if err == nil && len(v) != n {
		err = column.ErrCorrupt
	}
	return v, err
}

// shapes are the decoded lists of attribute columns of a block.
type shapes struct {
	lists [spaces][][]uint32 // directory positions
	bytes int
}

func (s *shapes) size() int { return s.bytes }

func decodeShapes(src []byte, d *directory) (*shapes, error) {
	c := column.Cursor{B: src}
	s := &shapes{bytes: len(src) * 4}
	for sp := range spaces {
		s.lists[sp] = make([][]uint32, c.Count(len(c.B)))
		s.bytes += 24 * len(s.lists[sp])
		for i := range s.lists[sp] {
			list := make([]uint32, c.Count(len(c.B)))
			for j := range list {
				at := c.Count(len(d.columns))
				if at == len(d.columns) || d.columns[at].kind != kindAttr+kind(sp) {
					return nil, column.ErrCorrupt
				}
				list[j] = uint32(at)
			}
			s.lists[sp][i] = list
		}
	}
	if c.Err != nil || len(c.B) != 0 {
		return nil, column.ErrCorrupt
	}
	for sp, k := range [spaces]kind{kindShape, kindEventShape, kindLinkShape} {
		if col := d.byKind[k]; col != nil && col.high >= uint64(len(s.lists[sp])) {
			return nil, column.ErrCorrupt
		}
	}
	return s, nil
}

// size is about the memory of a decoded directory.
func (d *directory) size() int {
	n := 512
	for i := range d.columns {
		c := &d.columns[i]
		n += 200 + len(c.key) + 16*len(c.pages) + 3*len(c.inline) + 4*len(c.byForm)
	}
	return n
}
