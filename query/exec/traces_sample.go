package exec

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// SampleTraces is [Traces] of at most so many of them, which must be at least
// 1, evenly in time: one of every so many in the order of their starts. Where
// that is 1 it is all. The same traces are chosen in the same data each time.
func SampleTraces[S any](ctx context.Context, snap scan.Snapshot, p *plan.Search, most int, limits Limits, begin func() S, add func(S, *WholeTrace) error) (sums []S, every uint64, stats Stats, err error) {
	every, stats, err = sampleTraces(ctx, snap, p, most, limits, func() func(*WholeTrace) error {
		sum := begin()
		sums = append(sums, sum)
		return func(t *WholeTrace) error { return add(sum, t) }
	})
	return sums, every, stats, err
}

func sampleTraces(ctx context.Context, snap scan.Snapshot, p *plan.Search, most int, limits Limits, begin func() func(*WholeTrace) error) (uint64, Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	shared := &handed{most: limits.Traces, ids: map[telemetry.TraceID]struct{}{}}
	blocks := r.blocksWithin(p.Start, p.End)
	walks := make([]*traceWalk, workers(blocks))
	lists := make([]candidates, len(walks))
	for i := range walks {
		walks[i] = newTraceWalk(r, p, shared, begin())
		lists[i].most = max(limits.Traces, 1)
	}
	deal(blocks, len(walks), func(worker int, b scan.Block) bool { return walks[worker].list(b, &lists[worker]) })
	chosen, every := choose(lists, most, max(limits.Traces, 1))
	var next atomic.Int64
	each(len(walks), func(worker int) {
		w := walks[worker]
		for at := int(next.Add(1)) - 1; at < len(chosen) && w.err == nil && !w.late(); at = int(next.Add(1)) - 1 {
			w.err = w.trace(w.whole(chosen[at].id, piece{}))
		}
	})
	for _, w := range walks {
		r.join(w.run)
		if w.err != nil {
			return every, r.finish(), w.err
		}
	}
	if shared.full {
		r.tooMany(limits.Traces, "traces that are stored in several places")
	}
	if _, err := r.more(); err != nil {
		return every, r.finish(), err
	}
	return every, r.finish(), nil
}

// list adds the traces of a block with a span that may be a result; false
// means that the query is to end.
func (w *traceWalk) list(b scan.Block, to *candidates) bool {
	w.scanned(b)
	sel := w.filter.get()
	defer w.filter.put(sel)
	sel.Reset(b.Len(), true)
	if err := w.filter.narrowWithin(w.plan, w.spanFilter, b, sel); err != nil {
		w.damaged("filter block", err)
		return !errors.Is(err, scan.ErrStopped)
	}
	for row := sel.Next(0); row >= 0; {
		t, err := b.Trace(row)
		if err != nil {
			w.damaged("read trace", err)
			return true
		}
		to.add(candidate{t.Start, t.ID})
		row = sel.Next(max(row+1, t.Hi))
	}
	return !w.late()
}

// candidate is a trace by the start of a piece of it.
type candidate struct {
	start uint64
	id    telemetry.TraceID
}

// candidates are traces, some of them twice. Where there are too many, those
// of which the hash has the given number of zeros at its end.
type candidates struct {
	list  []candidate
	zeros int
	most  int
}

func (c *candidates) add(x candidate) {
	if zeros(x.id) < c.zeros {
		return
	}
	if n := len(c.list); n > 0 && c.list[n-1].id == x.id {
		return
	}
	c.list = append(c.list, x)
	if len(c.list) < c.most {
		return
	}
	c.list = unique(c.list)
	for len(c.list) >= c.most {
		c.thin(c.zeros + 1)
	}
}

// thin drops traces of which the hash has fewer zeros.
func (c *candidates) thin(n int) {
	c.zeros = n
	c.list = slices.DeleteFunc(c.list, func(x candidate) bool { return zeros(x.id) < n })
}

// zeros is how many zeros are at the end of a trace's hash. An ID need not be
// random.
func zeros(id telemetry.TraceID) int {
	h := binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(id[8:])
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	return bits.TrailingZeros64(h ^ h>>32)
}

// unique leaves each trace once, by its earliest start.
func unique(list []candidate) []candidate {
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.start, b.start))
	})
	return slices.CompactFunc(list, func(a, b candidate) bool { return a.id == b.id })
}

// choose takes one of every so many of the candidates. Who listed which of them
// does not matter: all lists together are thinned at least as far as each was.
func choose(lists []candidates, most, room int) (chosen []candidate, every uint64) {
	all := candidates{}
	for _, l := range lists {
		all.zeros = max(all.zeros, l.zeros)
	}
	for _, l := range lists {
		l.thin(all.zeros)
		all.list = append(all.list, l.list...)
	}
	all.list = unique(all.list)
	for len(all.list) >= room {
		all.thin(all.zeros + 1)
	}
	list := all.list
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.start, b.start), bytes.Compare(a.id[:], b.id[:]))
	})
	step := max((len(list)+most-1)/most, 1)
	for i := step / 2; i < len(list); i += step {
		chosen = append(chosen, list[i])
	}
	return chosen, uint64(step) << all.zeros
}
