package segment

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Run is where a trace lies in a segment: all its spans there.
type Run struct {
	ID     telemetry.TraceID
	Start  uint64 // the earliest span start
	Block  int    // index in Blocks
	Lo, Hi int    // rows of the block
}

// Runs calls f for each trace of the segment, in the order of Start and ID.
// The first error of f ends it.
func (r *Reader) Runs(f func(Run) error) error {
	for i := range r.blocks {
		t, err := r.blocks[i].(*block).traces()
		if err != nil {
			return err
		}
		for k := range t.rows {
			if err := f(Run{ID: t.id(k), Start: t.starts[k], Block: i, Lo: int(t.rows[k]), Hi: t.end(k)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// AddFrom adds a trace as it lies in another segment. It is AddTrace but for
// its cost, and obeys the same order; a trace of which several segments have
// pieces is a matter for AddTrace. The spans are read when their block is
// full, so damage of r may be told later than by the call that adds it, and r
// must stay open until the writer has finished. Runs of one reader must come
// as they lie in it.
func (w *Writer) AddFrom(r *Reader, run Run) error {
	if run.Block < 0 || run.Block >= len(r.blocks) {
		return fmt.Errorf("copy trace %s: the segment has no block %d", run.ID, run.Block)
	}
	b := r.blocks[run.Block].(*block)
	if err := b.checkRange(run.Lo, run.Hi); err != nil || run.Lo == run.Hi {
		return err
	}
	return w.place(piece{id: run.ID, start: run.Start, from: b, lo: run.Lo, rows: run.Hi - run.Lo})
}

// piece is a trace of the block that is being collected.
type piece struct {
	id    telemetry.TraceID
	start uint64
	from  *block // nil: the writer's own builder
	lo    int    // first row there
	rows  int
}

// mergeBytes is how much text a block that is merged may have, about; with
// more it is written as several, so that a writer's memory is bounded. Twice
// blockBytes, since dictionaries of several inputs are mostly the same.
const mergeBytes = 2 * blockBytes

// merge writes blocks of pieces, of which not all are in the builder.
func (w *Writer) merge(pieces []piece) error {
	if w.block.rows > 0 {
		own, err := w.setAside()
		if err != nil {
			return err
		}
		for i := range pieces {
			if pieces[i].from == nil {
				pieces[i].from = own
			}
		}
	}
	m := mergers.Get().(*merger)
	defer m.release()
	return w.writeMerged(m, pieces)
}

func (w *Writer) writeMerged(m *merger, pieces []piece) error {
	fits, err := m.fill(w.block, pieces)
	if err != nil {
		return err
	}
	if fits || len(pieces) == 1 {
		return w.writeBlock(pieces)
	}
	w.block.reset()
	half := len(pieces) / 2
	if err := w.writeMerged(m, pieces[:half]); err != nil {
		return err
	}
	return w.writeMerged(m, pieces[half:])
}

// setAside empties the builder into a block in memory, which is read like
// those of segments.
func (w *Writer) setAside() (*block, error) {
	b := w.block
	b.describe([]piece{{rows: b.rows}})
	b.transient = true
	out, dirSize, err := b.encode(w.aside[:0])
	b.transient = false
	if err != nil {
		return nil, err
	}
	w.aside = out
	info := &blockInfo{dir: chunkRef{off: int64(len(out) - dirSize), size: uint32(dirSize)}, rows: b.rows, traces: 1}
	b.reset()
	r := &Reader{
		file: memory{b: out}, path: w.path, size: int64(len(out)), id: readers.Add(1), cache: NewCache(blockBytes),
		footer: &footer{pageRows: w.footer.pageRows},
	}
	return &block{r: r, info: info}, nil
}

// describe fills in the block's traces.
func (b *blockBuilder) describe(pieces []piece) {
	b.traceIDs, b.traceRows, b.starts = b.traceIDs[:0], b.traceRows[:0], b.starts[:0]
	rows := 0
	for i := range pieces {
		p := &pieces[i]
		b.traceIDs, b.traceRows, b.starts = append(b.traceIDs, p.id), append(b.traceRows, uint64(rows)), append(b.starts, p.start)
		rows += p.rows
	}
}
