package exec

import (
	"context"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// AmongResult is an answer of [Among].
type AmongResult struct {
	Traces []Summary
	// Read is how many of the ids were looked at: all, unless time ran out.
	Read  int
	Stats Stats
}

// Among finds, in the order of ids, those traces that satisfy p, each once; p's
// Limit and After do not matter. It costs what reading these traces costs,
// however much is stored.
func Among(ctx context.Context, snap scan.Snapshot, p *plan.Search, ids []telemetry.TraceID, limits Limits) (*AmongResult, error) {
	s := &search{run: start(ctx, snap, limits), plan: p, seen: map[telemetry.TraceID]struct{}{}}
	defer s.release()
	s.filter.stop = s.stop
	out := &AmongResult{}
	for _, id := range ids {
		if _, again := s.seen[id]; !again {
			s.seen[id] = struct{}{}
			t := s.summarise(id, piece{}, nil)
			if ok, err := s.more(); err != nil {
				return nil, err
			} else if !ok { // the trace may not have been read to its end
				break
			}
			s.stats.ScannedSpans += uint64(t.Spans)
			if t.Matched > 0 {
				out.Traces = append(out.Traces, t)
				s.matchedTraces++
				s.matchedSpans += uint64(t.Matched)
			}
		}
		out.Read++
	}
	out.Stats = s.finish()
	return out, nil
}
