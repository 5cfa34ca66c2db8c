package exec

import (
	"encoding/binary"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// selector finds the rows of blocks that a metrics function counts. It belongs
// to one goroutine at a time.
type selector struct {
	search
	grid  *grid
	of    *plan.Metrics
	share float64 // of the traces that are looked at
	kept  []int   // rows of the trace at hand

	rootFinder rootFinder
}

func newSelector(m *metrics, p *plan.Metrics) selector {
	s := selector{grid: &m.grid, of: p, share: m.shareOf(p)}
	m.share = min(m.share, s.share)
	s.search = search{run: m.fork(), plan: &plan.Search{Filter: p.Filter, Spans: p.Spans, Start: m.grid.start, End: m.grid.end}}
	s.spanFilter = plan.Relax(p.Filter)
	s.filter.stop, s.filter.leaves = s.stop, s.leaves()
	s.filter.leaves.plan(s.spanFilter)
	if p.Compare != nil {
		s.filter.leaves.plan(plan.Relax(p.Selection))
	}
	return s
}

// rows makes sel the rows of a block that count. The columns have what only
// whole traces tell of them.
func (s *selector) rows(b scan.Block, sel *scan.Bitmap) (*columns, error) {
	sel.Reset(b.Len(), true)
	began := s.clock()
	if err := s.filter.narrowWithin(s.plan, s.spanFilter, b, sel); err != nil {
		return nil, err
	}
	began = s.took(stepFilter, began)
	if s.share < 1 {
		if err := sample(b, s.share, sel); err != nil {
			return nil, err
		}
	}
	from := &columns{Block: b, filter: &s.filter, wanted: sel}
	if s.of.Compare != nil {
		from.selected = &scan.Bitmap{}
		from.selected.CopyFrom(sel)
	}
	if s.of.OfTrace {
		leaves := s.filter.leaves
		s.filter.leaves = nil // they are of blocks
		err := s.traces(from, sel)
		if s.filter.leaves = leaves; err != nil {
			return nil, err
		}
		s.took(stepEvaluate, began)
	}
	if s.cost != nil {
		s.matchedSpans += uint64(sel.Count())
	}
	if s.of.Compare == nil {
		return from, nil
	}
	if !plan.HasTraceLeaves(s.of.Selection) {
		from.selected.And(sel)
		if err := s.filter.narrow(s.of.Selection, b, from.selected); err != nil {
			return nil, err
		}
	}
	if c := s.of.Compare; c.End > 0 {
		return from, s.filter.within(c.Start, c.End, b, from.selected)
	}
	return from, nil
}

// shareOf is the share of traces that p looks at. Where the query leaves it to
// us that is all of them, but where whole traces are to be read: then as many
// as have about sampledSpans spans.
func (m *metrics) shareOf(p *plan.Metrics) float64 {
	for _, h := range m.hints {
		switch h.Name {
		case traceql.HintSample, traceql.HintSpanSample, traceql.HintTraceSample:
		default:
			continue
		}
		if x, ok := numberOf(h.Value.Value); ok {
			return x
		}
		spans := 0
		for _, b := range m.blocks {
			spans += b.block.Len()
		}
		if h.Value.Value.Bool() && p.OfTrace && spans > sampledSpans {
			return sampledSpans / float64(spans)
		}
	}
	return 1
}

const sampledSpans = 1 << 20

// sample clears the rows of all traces but a share of them. It is decided by
// the trace's ID alone.
func sample(b scan.Block, share float64, sel *scan.Bitmap) error {
	for row := sel.Next(0); row >= 0; {
		t, err := b.Trace(row)
		if err != nil {
			return err
		}
		end := max(t.Hi, row+1)
		for keep := sampled(t.ID, share); row >= 0 && row < end; row = sel.Next(row + 1) {
			if !keep {
				sel.Clear(row)
			}
		}
	}
	return nil
}

// sampled mixes all bits of the ID: not all clients make them at random.
func sampled(id telemetry.TraceID, share float64) bool {
	h := binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(id[8:])
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return float64((h^h>>31)>>11)/(1<<53) < share
}
