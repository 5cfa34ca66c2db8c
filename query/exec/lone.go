package exec

import (
	"encoding/binary"
	"maps"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// lone knows which traces lie in one place: whoever has a piece of such a
// trace has it whole, and need not ask each source for more. To ask is most of
// the work where many traces are read, so a query that goes on asking reads
// the ids of all traces once. It is shared by the goroutines of a query.
type lone struct {
	asked atomic.Int64
	once  sync.Once
	apart atomic.Pointer[map[uint64]struct{}] // traceKey of all others; nil: not known
}

// knows reports whether it is known by now that a trace lies in one place.
func (l *lone) knows(id telemetry.TraceID) bool {
	apart := l.apart.Load()
	if apart == nil {
		return false
	}
	_, ok := (*apart)[traceKey(id)]
	return !ok
}

// A query reads all ids after asking about askedAlways traces and one for each
// askedShare spans: that is a few of a hundred traces, in the time of which all
// ids are read.
const (
	askedAlways = 256
	askedShare  = 4096
)

// The ids that are read set bits by their keys, bitsSpan for each span: a bit
// that is set already tells of a trace apart, or now and then of another trace
// with the same bit, which is then asked for in vain.
const (
	bitsSpan = 2
	mostBits = 1 << 28
)

// traceKey is the same for equal ids, and hardly ever for others.
func traceKey(id telemetry.TraceID) uint64 {
	return binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(id[8:])
}

// locate is all pieces of a trace of which one is at hand; a piece without a
// block is none.
func (r *run) locate(id telemetry.TraceID, at piece) []piece {
	if at.block != nil && at.hi-at.lo <= r.limits.TraceSpans && r.alone(id) {
		return []piece{at}
	}
	return r.find(id)
}

func (r *run) alone(id telemetry.TraceID) bool {
	l := r.lone
	if uint64(l.asked.Add(1)) <= r.stats.TotalSpans/askedShare+askedAlways {
		return false
	}
	l.once.Do(func() {
		if apart, ok := r.apart(); ok {
			l.apart.Store(&apart)
		}
	})
	return l.knows(id)
}

// inOnePlace reports whether a piece of a trace is the whole of it.
func (r *run) inOnePlace(id telemetry.TraceID, at piece) bool {
	all := r.locate(id, at)
	return len(all) == 1 && all[0] == at
}

// apart is the keys of the traces that lie in several places, and of some
// others; ok is false where that cannot be told.
func (r *run) apart() (out map[uint64]struct{}, ok bool) {
	blocks := r.blocksWithin(0, plan.All)
	parts := make([]map[uint64]struct{}, workers(blocks))
	for i := range parts {
		parts[i] = map[uint64]struct{}{}
	}
	spans := 0
	for i := range blocks {
		spans += blocks[i].block.Len()
	}
	shift := bits.LeadingZeros64(uint64(min(spans*bitsSpan, mostBits-1) | 63))
	met := make([]uint64, 1<<(64-shift)/64)
	var failed atomic.Bool
	deal(blocks, len(parts), func(worker int, b scan.Block) bool {
		err := eachTrace(b, func(t *scan.Trace) {
			key := traceKey(t.ID)
			at := (key ^ key>>32) * 0xff51afd7ed558ccd >> shift
			if bit := uint64(1) << (at & 63); atomic.OrUint64(&met[at>>6], bit)&bit != 0 {
				parts[worker][key] = struct{}{}
			}
		})
		if err != nil || r.late() {
			failed.Store(true)
		}
		return !failed.Load()
	})
	for _, part := range parts[1:] {
		maps.Copy(parts[0], part)
	}
	return parts[0], !failed.Load()
}

// tracer is how to ask for the traces of a block's rows.
func tracer(b scan.Block) (func(row int) (scan.Trace, error), error) {
	if t, ok := b.(scan.Tracer); ok {
		return t.Tracer()
	}
	return b.Trace, nil
}

// eachTrace calls f with each piece of a trace in the block.
func eachTrace(b scan.Block, f func(*scan.Trace)) error {
	trace, err := tracer(b)
	if err != nil {
		return err
	}
	for row := 0; row < b.Len(); {
		t, err := trace(row)
		if err != nil {
			return err
		}
		f(&t)
		row = max(row+1, t.Hi)
	}
	return nil
}
