package segment

import (
	"fmt"
	"math"

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

// Piece is what a segment has of a trace.
type Piece struct {
	From *Reader
	Run
}

// AddFrom adds a trace that lies in other segments, in one piece or several.
// It is AddTrace but for its cost, and obeys the same order. A span must not
// lie in two of the pieces. The spans are read when their block is full, so
// damage may be told later than by the call that adds it, and the readers must
// stay open until the writer has finished.
func (w *Writer) AddFrom(pieces ...Piece) error {
	t := trace{start: math.MaxUint64}
	for i := range pieces {
		p := &pieces[i]
		if p.Block < 0 || p.Block >= len(p.From.blocks) {
			return fmt.Errorf("copy trace %s: the segment has no block %d", p.ID, p.Block)
		}
		if err := p.From.blocks[p.Block].(*block).checkRange(p.Lo, p.Hi); err != nil {
			return err
		}
		t.id, t.start, t.rows = p.ID, min(t.start, p.Start), t.rows+p.Hi-p.Lo
	}
	if t.rows == 0 {
		return nil
	}
	if err := w.place(t); err != nil {
		return err
	}
	for i := range pieces {
		if p := &pieces[i]; p.Lo < p.Hi {
			w.addPiece(piece{from: p.From.blocks[p.Block].(*block), lo: p.Lo, rows: p.Hi - p.Lo})
		}
	}
	return nil
}

// trace is a trace of the block that is being collected.
type trace struct {
	id         telemetry.TraceID
	start      uint64
	rows       int
	first, end int // among the pieces
}

// piece is neighbouring rows of one trace.
type piece struct {
	from *block // nil: the writer's own builder
	lo   int    // first row there
	rows int
}

// mergeBytes is how much text a block that is merged may have, about; with
// more it is written as several, so that a writer's memory is bounded. Twice
// blockBytes, since dictionaries of several inputs are mostly the same.
const mergeBytes = 2 * blockBytes

// merge writes the traces, of which not all are in the builder.
func (w *Writer) merge() error {
	if w.block.rows > 0 {
		own, err := w.setAside()
		if err != nil {
			return err
		}
		for i := range w.pieces {
			if w.pieces[i].from == nil {
				w.pieces[i].from = own
			}
		}
	}
	m := mergers.Get().(*merger)
	defer m.release()
	return w.writeMerged(m, w.traces)
}

// writeMerged writes traces as one block, or as several if they are too much
// for one.
func (w *Writer) writeMerged(m *merger, traces []trace) error {
	fits, err := m.fill(w.block, traces, w.pieces)
	if err != nil {
		return err
	}
	if fits {
		return w.writeBlock(traces)
	}
	w.block.reset()
	half := len(traces) / 2
	if err := w.writeMerged(m, traces[:half]); err != nil {
		return err
	}
	return w.writeMerged(m, traces[half:])
}

// setAside empties the builder into a block in memory, which is read like
// those of segments.
func (w *Writer) setAside() (*block, error) {
	b := w.block
	b.describe([]trace{{rows: b.rows}})
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
func (b *blockBuilder) describe(traces []trace) {
	b.traceIDs, b.traceRows, b.starts = b.traceIDs[:0], b.traceRows[:0], b.starts[:0]
	rows := 0
	for i := range traces {
		t := &traces[i]
		b.traceIDs, b.traceRows, b.starts = append(b.traceIDs, t.id), append(b.traceRows, uint64(rows)), append(b.starts, t.start)
		rows += t.rows
	}
}
