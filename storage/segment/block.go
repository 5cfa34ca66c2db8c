package segment

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// block implements [scan.Block] over one block of the file.
type block struct {
	r    *Reader
	info *blockInfo
	// passing is set where pages that are not in the cache are not put there.
	passing bool
	// cells is set where rows stand for cells, see Digest, and with it known,
	// the block's directory.
	cells *cells
	known *directory
}

// Len implements [scan.Block].
func (b *block) Len() int { return b.info.rows }

// Bounds implements [scan.Block].
func (b *block) Bounds() (low, high uint64) { return b.info.minStart, b.info.maxStart }

// NewestTrace implements [scan.Block].
func (b *block) NewestTrace() uint64 { return b.info.newestTrace }

// Trace implements [scan.Block].
func (b *block) Trace(row int) (scan.Trace, error) {
	t, err := b.traces()
	if err != nil {
		return scan.Trace{}, err
	}
	i := t.at(row)
	return scan.Trace{ID: t.id(i), Start: t.starts[i], Lo: int(t.rows[i]), Hi: t.end(i)}, nil
}

// keepPage is how pages are kept.
func (b *block) keepPage() keep {
	if b.passing {
		return keepNot
	}
	return keepPage
}

// Tracer implements [scan.Tracer].
func (b *block) Tracer() (func(row int) (scan.Trace, error), error) {
	t, err := b.traces()
	if err != nil {
		return nil, err
	}
	i := 0
	return func(row int) (scan.Trace, error) {
		if row >= t.end(i) {
			if i++; row >= t.end(i) {
				i = t.at(row)
			}
		}
		return scan.Trace{ID: t.id(i), Start: t.starts[i], Lo: int(t.rows[i]), Hi: t.end(i)}, nil
	}, nil
}

// dir loads the block's directory.
func (b *block) dir() (*directory, error) {
	if b.known != nil {
		return b.known, nil
	}
	return load(b.r, b.info.dir, named("directory"), func(src []byte) (*directory, error) {
		d, err := decodeDirectory(src, b.info.off, b.info.dir.off, b.r.footer.pageRows)
		if err == nil && (d.rows != b.info.rows || d.traces != b.info.traces) {
			err = column.ErrCorrupt
		}
		return d, err
	})
}

func (b *block) traces() (*traceTable, error) {
	d, err := b.dir()
	if err != nil {
		return nil, err
	}
	return load(b.r, d.traceTable, named("traces"), func(src []byte) (*traceTable, error) { return decodeTraces(src, d) })
}

func (b *block) shapes(d *directory) (*shapes, error) {
	return load(b.r, d.shapes, named("shapes"), func(src []byte) (*shapes, error) { return decodeShapes(src, d) })
}

// resources loads the block's distinct resources and checks that codes stay
// within them.
func (b *block) resources(d *directory) (*entries, error) {
	return b.entries(d, d.resources, kindResource, "resources")
}

func (b *block) scopes(d *directory) (*entries, error) {
	return b.entries(d, d.scopes, kindScope, "scopes")
}

func (b *block) entries(d *directory, t tableInfo, k kind, section string) (*entries, error) {
	if d.byKind[k].high >= uint64(t.entries) {
		return nil, b.r.corrupt(b.info.dir.off, named("directory"), column.ErrCorrupt)
	}
	return load(b.r, t.chunk, named(section), func(src []byte) (*entries, error) {
		return decodeEntries(src, t, k, b.r.shared())
	})
}

// pageRows is the range of rows of page p.
func (b *block) pageRows(p int) (lo, hi int) {
	n := b.r.footer.pageRows
	return p * n, min(p*n+n, b.info.rows)
}

func (b *block) checkRange(lo, hi int) error {
	if lo < 0 || hi > b.info.rows || lo > hi {
		return fmt.Errorf("read rows %d to %d of a block of %d", lo, hi, b.info.rows)
	}
	return nil
}
