package exec

import (
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A search whose plan asks about whole traces looks at each trace with a span
// that may be a result. Where few of those have what else the plan needs, such
// as the left side of a relation, that is nearly all in vain. So after
// joinAfter traces without a result, the search asks all blocks which traces
// have it: a filter of all spans costs as much as looking at a few hundred
// traces.
const joinAfter = 64

// mostJoined is how many traces a search remembers to have what is needed, of
// about 40 bytes each. A need that more traces satisfy excludes too few.
const mostJoined = 1 << 17

// traceSet is a set of traces.
type traceSet map[telemetry.TraceID]struct{}

// excludes reports whether the trace is known to have no result.
func (s *search) excludes(id telemetry.TraceID) bool {
	if s.joined == nil {
		return false
	}
	_, ok := s.joined[id]
	return !ok
}

// missed notes that a trace that was looked at has no result.
func (s *search) missed() {
	if s.misses++; s.misses == joinAfter {
		s.semijoin()
	}
}

// semijoin finds out which traces have all that the plan needs.
func (s *search) semijoin() {
	for _, n := range s.plan.Needed() {
		with, ok := s.tracesWith(n)
		if !ok {
			continue
		}
		for id := range with {
			if s.excludes(id) {
				delete(with, id)
			}
		}
		s.joined = with
	}
}

// tracesWith is the traces with a span, of any time, for which n holds. It is
// not ok where they are too many or not all blocks can be read.
func (s *search) tracesWith(n plan.Node) (out traceSet, ok bool) {
	blocks := s.blocksWithin(0, plan.All)
	parts := make([]joinPart, workers(blocks))
	for i := range parts {
		parts[i] = joinPart{run: s.fork(), traces: traceSet{}}
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
	traces traceSet
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
		if err != nil {
			return false
		}
		p.traces[t.ID] = struct{}{}
		row = sel.Next(max(row+1, t.Hi))
	}
	p.failed = count.Add(int64(len(p.traces)-before)) > mostJoined
	return !p.failed
}
