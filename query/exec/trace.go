package exec

import (
	"context"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Trace is a whole trace. Its spans are parents first, siblings by start, and
// equal resources and scopes are one.
type Trace struct {
	Batch  telemetry.Batch
	Parent []int32 // for each span the index of its parent, or -1
	Stats  Stats
}

// FindTrace reads a trace from all sources; it has no spans if there is none.
func FindTrace(ctx context.Context, snap scan.Snapshot, id telemetry.TraceID, limits Limits) (*Trace, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	return r.wholeTrace(r.find(id))
}

// wholeTrace is the trace of these pieces, with the final Stats.
func (r *run) wholeTrace(pieces []piece) (*Trace, error) {
	r.stats.ScannedSpans += uint64(spansOf(pieces))
	r.stats.ScannedBlocks = blocksOf(pieces)
	if _, err := r.more(); err != nil {
		return nil, err
	}
	b := r.load(pieces)
	if _, err := r.more(); err != nil {
		return nil, err
	}
	keep := b.Spans[:0]
	for i, again := range repeated(b) {
		if !again {
			keep = append(keep, b.Spans[i])
		}
	}
	b.Spans = keep
	t := &Trace{Batch: *b}
	t.arrange()
	if r.ctx.Err() != nil {
		return nil, context.Cause(r.ctx)
	}
	r.matchedSpans, r.matchedTraces = uint64(len(b.Spans)), min(uint64(len(b.Spans)), 1)
	t.Stats = r.finish()
	return t, nil
}

// load reads all spans of the pieces. A piece that cannot be read is left out,
// and so are all that are left when time runs out.
func (r *run) load(pieces []piece) *telemetry.Batch {
	b := &telemetry.Batch{}
	r.loadInto(b, pieces, r.late)
	return b
}

// loadInto appends all spans of the pieces to b, in their order, and makes
// equal resources and scopes one. It ends early when stop says so.
func (r *run) loadInto(b *telemetry.Batch, pieces []piece, stop func() bool) {
	left := spansOf(pieces)
	b.Spans = slices.Grow(b.Spans, left)
	for _, p := range pieces {
		if stop() {
			break
		}
		n := len(b.Spans)
		if err := p.block.Spans(p.lo, p.hi, b); err != nil {
			b.Spans = b.Spans[:n]
			r.damaged("read spans", err)
		}
		left -= p.hi - p.lo
		if n = len(b.Spans); n > 0 && left > 0 { // the others will be much like these
			b.Attrs = slices.Grow(b.Attrs, len(b.Attrs)/n*left)
		}
	}
	share(b)
}
