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
// pieces is a matter for AddTrace. What is read does not pass through the
// reader's cache. Calls for one reader should go forward.
func (w *Writer) AddFrom(r *Reader, run Run) error {
	b := r.blocks[run.Block].(*block)
	w.batch.Reset()
	if err := b.Spans(run.Lo, run.Hi, &w.batch); err != nil {
		return err
	}
	w.batchRows = w.batchRows[:0]
	for i := range w.batch.Spans {
		w.batchRows = append(w.batchRows, uint32(i))
	}
	if err := w.AddTrace(&w.batch, w.batchRows); err != nil {
		return fmt.Errorf("copy trace: %w", err)
	}
	return nil
}
