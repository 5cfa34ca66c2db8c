package segment

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// encode appends the block's chunks and its directory to out. It returns the
// size of the directory's chunk.
func (b *blockBuilder) encode(out []byte) ([]byte, int, error) {
	d := directory{rows: b.rows, events: b.counts[spaceEvent], links: b.counts[spaceLink], traces: len(b.traceIDs)}
	pages := (b.rows + b.pageRows - 1) / b.pageRows
	var err error
	add := func(c *columnBuilder) {
		if c.count == 0 || err != nil {
			return
		}
		d.columns = append(d.columns, columnInfo{kind: c.kind, typ: c.typ, key: c.key, values: c.count})
		out, err = b.encodeColumn(out, c, &d.columns[c.written])
	}
	for k := kindSpanID; k < kindEventTime; k++ {
		if k != kindParentRaw {
			b.fixed[k].rows(pages, b.pageRows, b.rows)
		}
	}
	b.former.find(b)
	b.fixed[kindForm].codes = append(b.fixed[kindForm].codes[:0], b.former.codes...)
	b.place(pages)
	if !b.transient {
		b.contexts.find(b)
	}
	for k := kindSpanID; k < kindCount; k++ {
		add(b.fixed[k])
	}
	d.forms = b.former.count
	for _, c := range b.sorted {
		add(c)
	}
	if err != nil {
		return nil, 0, err
	}
	d.resources.entries, d.scopes.entries = len(b.resources.entries), len(b.scopes.entries)
	for _, t := range []struct {
		body  []byte
		chunk *chunkRef
	}{
		{b.enc.Strings(nil, b.resources.entries), &d.resources.chunk},
		{b.enc.Strings(nil, b.scopes.entries), &d.scopes.chunk},
		{b.encodeShapes(), &d.shapes},
	} {
		if out, err = b.chunk(out, t.chunk, t.body, len(t.body)); err != nil {
			return nil, 0, err
		}
	}
	body, head := b.encodeTraces()
	if out, err = b.chunk(out, &d.traceTable, body, head); err != nil {
		return nil, 0, err
	}
	var self chunkRef
	body = d.append(nil)
	out, err = b.chunk(out, &self, body, len(body))
	return out, int(self.size), err
}

// place completes the columns and says where in the directory each will be.
func (b *blockBuilder) place(pages int) {
	n := 0
	add := func(c *columnBuilder) {
		if c.count > 0 {
			c.finish(pages)
			c.written = n
			n++
		}
	}
	for k := kindSpanID; k < kindCount; k++ {
		add(b.fixed[k])
	}
	b.sort()
	for _, c := range b.sorted {
		add(c)
	}
}

// sort puts the attribute columns into an order that does not depend on what
// the builder was used for before.
func (b *blockBuilder) sort() {
	b.sorted = append(b.sorted[:0], b.attrs...)
	slices.SortFunc(b.sorted, func(x, y *columnBuilder) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), strings.Compare(x.key, y.key), cmp.Compare(x.typ, y.typ))
	})
}

// chunk frames body at the end of out and notes its size.
func (b *blockBuilder) chunk(out []byte, ref *chunkRef, body []byte, head int) ([]byte, error) {
	if len(body) > maxChunk {
		return nil, fmt.Errorf("encode block: %d bytes of one column in one page are more than a segment holds", len(body))
	}
	start := len(out)
	if b.transient {
		head = 0
	}
	out = b.chunks.append(out, body, head)
	ref.size = uint32(len(out) - start)
	return out, nil
}

// encodeShapes writes for each space how many shapes there are, then for
// each its length and the directory positions of its columns.
func (b *blockBuilder) encodeShapes() []byte {
	var dst []byte
	var list []uint32
	for s := range b.shapes {
		dst = binary.AppendUvarint(dst, uint64(len(b.shapes[s].ends)))
		for code := range b.shapes[s].ends {
			list = b.shapes[s].columns(list[:0], code)
			dst = binary.AppendUvarint(dst, uint64(len(list)))
			for _, order := range list {
				dst = binary.AppendUvarint(dst, uint64(b.attrs[order].written))
			}
		}
	}
	return dst
}

// encodeTraces writes the trace table: the first rows and the starts, each
// preceded by its size, then the ids, 16 bytes each.
func (b *blockBuilder) encodeTraces() (body []byte, head int) {
	for _, v := range [][]uint64{b.traceRows, b.starts} {
		part, _ := b.enc.Ints(nil, v)
		body = binary.AppendUvarint(body, uint64(len(part)))
		body = append(body, part...)
	}
	head = len(body)
	for i := range b.traceIDs {
		body = append(body, b.traceIDs[i][:]...)
	}
	return body, head
}
