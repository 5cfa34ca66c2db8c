package exec

import (
	"bytes"
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A search whose plan asks about whole traces looks at each trace with a span
// that may be a result. Where few of those have what else the plan needs, such
// as the left side of a relation, that is nearly all in vain. So after
// siftAfter traces without a result, blocks go through a [sieve]. And where so
// little comes through that the search would go on for joinBlocks blocks, it
// asks all blocks which traces have what is needed: few traces, and it looks at
// those and no others.
var (
	siftAfter  = 32
	joinBlocks = 16
) // tests change them

// mostJoined is how many traces a search looks at in the place of all blocks.
// The few blocks that show that there are more are filtered in vain.
const mostJoined = 1024

// missed notes that a trace that was looked at has no result.
func (s *search) missed() {
	if s.misses++; s.misses != siftAfter {
		return
	}
	if s.sieve = newSieve(s.plan); s.sieve == nil {
		return
	}
	for _, m := range s.visited {
		s.sift(m)
	}
	s.semijoin()
}

// sift has the sieve judge the pieces of a visited block.
func (s *search) sift(m *visitedBlock) {
	if s.sieve.judge(m.block, m.pieces, &s.filter) == nil { // else who looks at the traces reports it
		s.sifted(m)
	}
}

// sifted counts what came through the sieve.
func (s *search) sifted(m *visitedBlock) {
	s.sieved++
	for i := range m.pieces {
		if !m.pieces[i].bare {
			s.through++
		}
	}
}

// semijoin looks at the traces that have what the plan needs, if they are few
// and what the sieve lets through is.
func (s *search) semijoin() {
	if s.semijoined || s.sieved == 0 || len(s.blocks) < joinBlocks || s.through*joinBlocks >= s.plan.Limit*s.sieved {
		return
	}
	s.semijoined = true
	var fewest map[telemetry.TraceID]struct{}
	began := s.clock()
	for _, n := range s.plan.Needed() {
		if with, ok := s.tracesWith(n); ok && (fewest == nil || len(with) < len(fewest)) {
			fewest = with
		}
	}
	s.tookWithin(stepJoin, began)
	if fewest != nil {
		s.only(fewest)
	}
}

// only looks at these traces in the place of all that are left.
func (s *search) only(ids map[telemetry.TraceID]struct{}) {
	s.blocks = nil
	for _, m := range s.visited {
		m.free()
	}
	s.visited, s.held = nil, 0
	type place struct {
		scan.Trace
		piece
	}
	var traces []place
	for id := range ids {
		if _, ok := s.seen[id]; ok || s.late() {
			continue
		}
		s.seen[id] = struct{}{}
		pieces := s.find(id)
		if len(pieces) == 0 {
			continue
		}
		at := pieces[0]
		t, err := at.block.Trace(at.lo)
		if err != nil {
			s.damaged("read traces of block", err)
			continue
		}
		traces = append(traces, place{t, at})
	}
	slices.SortFunc(traces, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.Start, a.Start), bytes.Compare(a.ID[:], b.ID[:]))
	})
	for i := range traces {
		if s.late() {
			return
		}
		s.resolve(traces[i].Trace, noSource, matchedPiece{traces[i].piece, 0})
	}
}

// noSource is the number of no source.
const noSource = -1

// tracesWith is the traces with a span, of any time, for which n holds. It is
// not ok where they are too many or not all blocks can be read.
func (s *search) tracesWith(n plan.Node) (out map[telemetry.TraceID]struct{}, ok bool) {
	blocks := s.blocksWithin(0, plan.All)
	parts := make([]joinPart, workers(blocks))
	for i := range parts {
		parts[i] = joinPart{run: s.fork(), traces: map[telemetry.TraceID]struct{}{}}
		parts[i].filter.stop = s.stop
	}
	var count atomic.Int64
	deal(blocks, len(parts), func(worker int, b scan.Block) bool { return parts[worker].add(n, b, &count) })
	out, ok = parts[0].traces, true
	for i := range parts {
		s.join(parts[i].run)
		ok = ok && !parts[i].failed
		for id := range parts[i].traces {
			out[id] = struct{}{}
		}
	}
	return out, ok
}

// joinPart is one goroutine's share of tracesWith.
type joinPart struct {
	*run
	filter filter
	traces map[telemetry.TraceID]struct{}
	failed bool
}

// add adds the traces of a block; false means that there is no use in others.
// count is that of the traces of all parts.
func (p *joinPart) add(n plan.Node, b scan.Block, count *atomic.Int64) bool {
	p.scanned(b)
	p.failed = true
	sel := p.filter.get()
	defer p.filter.put(sel)
	sel.Reset(b.Len(), true)
	if p.filter.narrow(n, b, sel) != nil { // who looks for the trace there reports it
		return false
	}
	before := len(p.traces)
	for row := sel.Next(0); row >= 0; {
		t, err := b.Trace(row)
		if err != nil || len(p.traces) > mostJoined {
			return false
		}
		p.traces[t.ID] = struct{}{}
		row = sel.Next(max(row+1, t.Hi))
	}
	p.failed = count.Add(int64(len(p.traces)-before)) > mostJoined
	return !p.failed
}
