package exec

import (
	"context"

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
	pieces := r.find(id)
	blocks := map[scan.Block]struct{}{}
	for _, p := range pieces {
		blocks[p.block] = struct{}{}
		r.stats.ScannedSpans += uint64(p.hi - p.lo)
	}
	r.stats.ScannedBlocks = len(blocks)
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
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	t.Stats = r.finish()
	return t, nil
}

// load reads all spans of the pieces, in their order, and makes equal
// resources and scopes one. A piece that cannot be read is left out, and so
// are all that are left when time runs out.
func (r *run) load(pieces []piece) *telemetry.Batch {
	b := &telemetry.Batch{}
	for _, p := range pieces {
		if r.late() {
			break
		}
		n := len(b.Spans)
		if err := p.block.Spans(p.lo, p.hi, b); err != nil {
			b.Spans = b.Spans[:n]
			r.damaged("read spans", err)
		}
	}
	share(b)
	return b
}
