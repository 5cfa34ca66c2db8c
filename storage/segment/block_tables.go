package segment

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// traceTable is the decoded trace table of a block.
type traceTable struct {
	rows   []uint64 // first row of each trace
	starts []uint64
	ids    []byte
	total  int // rows of the block
}

func (t *traceTable) size() int { return 8*len(t.rows) + 8*len(t.starts) + len(t.ids) }

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
	i, exact := slices.BinarySearch(t.rows, uint64(row))
	if !exact {
		i--
	}
	return i
}

func decodeTraces(src []byte, d *directory) (*traceTable, error) {
	c := column.Cursor{B: src}
	t := &traceTable{total: d.rows}
	for _, v := range []*[]uint64{&t.rows, &t.starts} {
		part := c.Sized()
		if c.Err != nil {
			return nil, c.Err
		}
		var err error
		if *v, err = column.DecodeInts(part, d.traces); err != nil {
			return nil, err
		}
		if len(*v) != d.traces {
			return nil, column.ErrCorrupt
		}
	}
	t.ids = c.B
	if len(t.ids) != 16*d.traces || t.rows[0] != 0 || t.rows[len(t.rows)-1] >= uint64(d.rows) {
		return nil, column.ErrCorrupt
	}
	for i := range t.rows[1:] {
		if t.rows[i] >= t.rows[i+1] {
			return nil, column.ErrCorrupt
		}
	}
	return t, nil
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

// entries are a block's decoded resources or scopes.
type entries struct {
	batch    telemetry.Batch // holds either Resources or Scopes, and Attrs
	services []string        // service.name of each resource
	like     []uint32        // the first resource of the same service, see sameService
	bytes    int
}

func (e *entries) size() int { return e.bytes }

func decodeEntries(src []byte, t tableInfo, resources bool) (*entries, error) {
	strs, err := column.DecodeStrings(src, t.entries)
	if err != nil {
		return nil, err
	}
	if strs.Len() != t.entries {
		return nil, column.ErrCorrupt
	}
	e := &entries{}
	for i := range strs.Len() {
		if resources {
			r, err := decodeResource(strs.At(i), &e.batch)
			if err != nil {
				return nil, err
			}
			e.batch.Resources = append(e.batch.Resources, r)
			if i == 0 { // others have about as many; an attribute takes 3 bytes at least
				e.batch.Attrs = slices.Grow(e.batch.Attrs, min((len(e.batch.Attrs)+1)*(t.entries-1), len(src)/3))
			}
			e.services = append(e.services, e.batch.ServiceName(uint32(i)))
			continue
		}
		s, err := decodeScope(strs.At(i), &e.batch)
		if err != nil {
			return nil, err
		}
		e.batch.Scopes = append(e.batch.Scopes, s)
	}
	if resources {
		e.like = sameService(&e.batch)
	}
	e.bytes = len(src) + 64*cap(e.batch.Attrs) + 100*t.entries
	return e, nil
}

// directorySize is about the memory of a decoded directory.
func (d *directory) size() int {
	n := 512
	for i := range d.columns {
		c := &d.columns[i]
		n += 200 + len(c.key) + 16*len(c.pages) + 3*len(c.inline) + 4*len(c.byForm)
	}
	return n
}
