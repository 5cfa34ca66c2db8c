package exec

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Aggregation asks for the spans that started within [Start, End) and satisfy
// Filter, which asks nothing about the trace, in groups of equal values of By.
type Aggregation struct {
	Filter     plan.Node
	Start, End uint64       // Unix nanoseconds
	By         []scan.Field // each with one value a span
	Limit      int          // groups in the answer, at least 1
}

// Operation groups spans as [Operations] does.
var Operation = []scan.Field{
	{Scope: scan.ScopeResource, Key: "service.name"}, {Intrinsic: scan.IntrinsicName}, {Intrinsic: scan.IntrinsicKind},
}

// GroupValue is what the spans of a group have in a field.
type GroupValue struct {
	Present bool
	Value   telemetry.Value
}

// Group is the spans with equal values. Stored copies of a span count as
// often as they are stored.
type Group struct {
	Values        []GroupValue // one for each field of By
	Spans, Errors uint64
	// Durations in nanoseconds; the quantiles are at most 1.6 % off.
	Min, P50, P90, P95, P99, Max uint64
}

// AggregateResult is the groups with the most spans, those first.
type AggregateResult struct {
	Groups []Group
	Total  int // how many groups there are
	Stats  Stats
}

// Aggregate answers an [Aggregation]. Blocks are dealt to as many goroutines
// as there are processors; each adds up on its own.
func Aggregate(ctx context.Context, snap scan.Snapshot, q *Aggregation, limits Limits) (*AggregateResult, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	blocks := r.blocksWithin(q.Start, q.End)
	sums := make([]*aggregator, workers(blocks))
	for i := range sums {
		sums[i] = newAggregator(q, r.stop, limits.Groups)
	}
	deal(blocks, len(sums), func(worker int, b scan.Block) bool { return sums[worker].visit(b) })
	if _, err := r.more(); err != nil {
		return nil, err
	}
	for _, s := range sums {
		r.stats.ScannedBlocks += s.blocks
		r.stats.ScannedSpans += s.spans
		if s.damage != nil {
			r.damaged("aggregate block", s.damage)
		}
		if s != sums[0] {
			sums[0].merge(s)
		}
	}
	for i := range sums[0].groups {
		r.matchedSpans += sums[0].groups[i].spans
	}
	if sums[0].full {
		r.tooMany(limits.Groups, "groups")
	}
	out := sums[0].result(q.Limit)
	out.Stats = r.finish()
	return out, nil
}

// aggregator adds up blocks. It belongs to one goroutine at a time.
type aggregator struct {
	grouper
	q         *Aggregation
	fields    []scan.Field // that decide whether a span is added, and to what
	filter    filter
	groups    []group
	durations durations

	blocks int
	spans  uint64
	damage error

	rows scan.Rows // of the block at hand
}

type group struct {
	spans, errors uint64
	histogram
}

func newAggregator(q *Aggregation, stop <-chan struct{}, most int) *aggregator {
	fields := append(plan.Fields(q.Filter), q.By...)
	fields = append(fields, scan.Field{Intrinsic: scan.IntrinsicStatus})
	by := make([]traceql.Field, len(q.By))
	for i, f := range q.By {
		by[i].Field = f
	}
	return &aggregator{grouper: newGrouper(by, most), q: q, fields: fields, filter: filter{stop: stop}}
}

// visit adds a block; false means that the query is to end.
func (a *aggregator) visit(b scan.Block) bool {
	sel := a.filter.get()
	defer a.filter.put(sel)
	a.blocks++
	a.spans += uint64(b.Len())
	d := a.digest(b)
	var err error
	if d != nil {
		err = a.addDigest(d, sel)
	} else {
		err = a.addSpans(b, sel)
	}
	if errors.Is(err, scan.ErrStopped) {
		return false
	}
	a.damage = errors.Join(a.damage, err)
	return true
}

// addSpans adds the spans of a block one by one.
func (a *aggregator) addSpans(b scan.Block, sel *scan.Bitmap) error {
	sel.Reset(b.Len(), true)
	if err := a.filter.within(a.q.Start, a.q.End, b, sel); err != nil {
		return err
	}
	if err := a.filter.narrow(a.q.Filter, b, sel); err != nil {
		return err
	}
	return a.addBlock(b, sel)
}

func (a *aggregator) addBlock(b scan.Block, sel *scan.Bitmap) error {
	a.begin()
	from := &columns{Block: b, filter: &a.filter, wanted: sel}
	return a.filter.runs(sel, func(lo, hi int, run []uint64) error {
		if err := b.Rows(lo, hi, scan.ColStatus|scan.ColDuration, &a.rows); err != nil {
			return err
		}
		if err := a.read(from, lo, hi); err != nil {
			return err
		}
		a.addRows(run)
		return nil
	})
}

// addRows adds the rows that are in words.
func (a *aggregator) addRows(words []uint64) {
	keys := a.keys
	durations, statuses := a.rows.Duration[:len(keys)], a.rows.Status[:len(keys)]
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			i := w*64 + bits.TrailingZeros64(word)
			at, ok := a.slots.first(keys[i])
			if !ok {
				if at = a.slot(keys[i]); at == noGroup {
					continue
				}
			}
			g := &a.groups[at-1]
			g.spans++
			if statuses[i] == telemetry.StatusError {
				g.errors++
			}
			a.durations.add(&g.histogram, durations[i])
		}
	}
}

// slot is that of the grouper; a new group has no spans yet.
func (a *aggregator) slot(key uint64) uint32 {
	at := a.grouper.slot(key)
	a.grow()
	return at
}

func (a *aggregator) grow() {
	for len(a.groups) < len(a.values) {
		a.groups = append(a.groups, group{histogram: histogram{min: math.MaxUint64}})
	}
}

// merge adds what other holds.
func (a *aggregator) merge(other *aggregator) {
	a.full = a.full || other.full
	for i := range other.groups {
		o := &other.groups[i]
		at := a.groupOf(other.values[i])
		a.grow()
		if at == noGroup {
			continue
		}
		g := &a.groups[at-1]
		g.spans += o.spans
		g.errors += o.errors
		a.durations.merge(&g.histogram, &other.durations, &o.histogram)
	}
}

// result is the groups with the most spans, ties by their values.
func (a *aggregator) result(limit int) *AggregateResult {
	out := &AggregateResult{Total: len(a.groups)}
	order := make([]int, len(a.groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(a.groups[y].spans, a.groups[x].spans), slices.CompareFunc(a.values[x], a.values[y], compareGroupValues))
	})
	for _, i := range order[:min(limit, len(order))] {
		g := &a.groups[i]
		quantile := func(q float64) uint64 { return a.durations.quantile(&g.histogram, q, g.spans) }
		out.Groups = append(out.Groups, Group{
			Values: a.values[i], Spans: g.spans, Errors: g.errors,
			Min: g.min, P50: quantile(0.5), P90: quantile(0.9), P95: quantile(0.95), P99: quantile(0.99), Max: g.max,
		})
	}
	return out
}

// compareGroupValues orders values of all types, however they compare.
func compareGroupValues(x, y GroupValue) int {
	return cmp.Or(
		cmp.Compare(presence(x), presence(y)), cmp.Compare(x.Value.Type(), y.Value.Type()),
		cmp.Compare(x.Value.Num(), y.Value.Num()), strings.Compare(x.Value.Str(), y.Value.Str()),
	)
}
