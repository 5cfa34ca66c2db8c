package exec

import (
	"errors"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// piece is a run of rows of one block that belong to a trace.
type piece struct {
	block  scan.Block
	lo, hi int
}

// errStop ends a walk that has what it came for.
var errStop = errors.New("stop")

// find collects all pieces of a trace, neighbours joined, up to the limit on
// spans.
func (r *run) find(id telemetry.TraceID) (pieces []piece) {
	spans := 0
	for _, s := range r.sources {
		err := s.Find(id, func(b scan.Block, lo, hi int) error {
			if room := r.limits.TraceSpans - spans; hi-lo > room {
				r.tooMany(r.limits.TraceSpans, "spans in the trace")
				hi = lo + room
			}
			if lo == hi {
				return errStop
			}
			spans += hi - lo
			if n := len(pieces); n > 0 && pieces[n-1].block == b && pieces[n-1].hi == lo {
				pieces[n-1].hi = hi
				return nil
			}
			pieces = append(pieces, piece{b, lo, hi})
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			r.damaged("find trace "+id.String(), err)
		}
	}
	return pieces
}

// traceStart is the earliest start of a whole trace of which source number
// known, or noSource, has a piece that starts at start.
func (r *run) traceStart(id telemetry.TraceID, start uint64, known int) uint64 {
	if r.lone.knows(id) {
		return start
	}
	for i, s := range r.sources {
		if lo, _ := s.Bounds(); i == known || lo >= start {
			continue
		}
		err := s.Find(id, func(b scan.Block, lo, _ int) error {
			t, err := b.Trace(lo)
			if err != nil {
				return err
			}
			start = min(start, t.Start)
			return errStop
		})
		if err != nil && !errors.Is(err, errStop) {
			r.damaged("find trace "+id.String(), err)
		}
	}
	return start
}
