package exec

import (
	"encoding/binary"
	"slices"
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
	known bool
	apart map[uint64]struct{} // traceKey of all others
}

// A query reads all ids after asking about askedAlways traces and one for each
// askedShare spans: that is a few of a hundred traces, in the time of which all
// ids are read.
const (
	askedAlways = 256
	askedShare  = 4096
)

// mostKeys bounds how many ids are read, of which 8 bytes each are kept.
const mostKeys = 1 << 23

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
	l.once.Do(func() { l.apart, l.known = r.apart() })
	_, apart := l.apart[traceKey(id)]
	return l.known && !apart
}

// apart is the keys of the traces that lie in several places; ok is false where
// that cannot be told.
func (r *run) apart() (out map[uint64]struct{}, ok bool) {
	blocks := r.blocksWithin(0, plan.All)
	parts := make([][]uint64, workers(blocks))
	var failed atomic.Bool
	deal(blocks, len(parts), func(worker int, b scan.Block) bool {
		var err error
		parts[worker], err = appendKeys(parts[worker], b)
		if err != nil || r.late() || len(parts[worker]) > mostKeys/len(parts) {
			failed.Store(true)
		}
		return !failed.Load()
	})
	if failed.Load() {
		return nil, false
	}
	all := slices.Concat(parts...)
	slices.Sort(all)
	out = map[uint64]struct{}{}
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			out[all[i]] = struct{}{}
		}
	}
	return out, true
}

// appendKeys appends a key for each piece of a trace in the block.
func appendKeys(keys []uint64, b scan.Block) ([]uint64, error) {
	for row := 0; row < b.Len(); {
		t, err := b.Trace(row)
		if err != nil {
			return keys, err
		}
		keys = append(keys, traceKey(t.ID))
		row = max(row+1, t.Hi)
	}
	return keys, nil
}
