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
// pieces is a matter for AddTrace. For each reader a page of spans is held, so
// calls for one reader should go forward; the reader must stay open until the
// writer is done with it.
func (w *Writer) AddFrom(r *Reader, run Run) error {
	if run.Block < 0 || run.Block >= len(r.blocks) {
		return fmt.Errorf("copy trace %s: the segment has no block %d", run.ID, run.Block)
	}
	if w.windows == nil {
		w.windows = make(map[*Reader]*window)
	}
	x := w.windows[r]
	if x == nil {
		x = &window{block: -1}
		w.windows[r] = x
	}
	if err := x.show(r.blocks[run.Block].(*block), run); err != nil {
		return err
	}
	w.batchRows = w.batchRows[:0]
	for i := run.Lo; i < run.Hi; i++ {
		w.batchRows = append(w.batchRows, uint32(i-x.lo))
	}
	if err := w.AddTrace(&x.batch, w.batchRows); err != nil {
		return fmt.Errorf("copy trace: %w", err)
	}
	return nil
}

// window is a range of rows of a segment as spans.
type window struct {
	block, lo, hi int
	batch         telemetry.Batch
}

// show makes sure that the window has all of run: it is moved to begin there
// and to end with the page, or with the run.
func (x *window) show(b *block, run Run) error {
	if x.block == run.Block && x.lo <= run.Lo && run.Hi <= x.hi {
		return nil
	}
	_, end := b.pageRows(run.Lo / b.r.footer.pageRows)
	x.block, x.lo, x.hi = -1, run.Lo, max(run.Hi, end)
	x.batch.Reset()
	if err := b.Spans(x.lo, x.hi, &x.batch); err != nil {
		return err
	}
	x.block = run.Block
	return nil
}
