package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Aggregation asks for the spans that started within [Start, End) and satisfy
// Filter, which has no [plan.TraceLeaf], in groups of equal values of By.
type Aggregation struct {
	Filter     plan.Node
	Start, End uint64       // Unix nanoseconds
	By         []scan.Field // at most maxBy, each with one value a span
	Limit      int          // groups in the answer, at least 1
}

const (
	// maxBy fields of codeBits each make a 64-bit key.
	maxBy    = 3
	codeBits = 21
)

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
	Min, P50, P90, P99, Max uint64
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
	if len(q.By) > maxBy {
		return nil, fmt.Errorf("aggregate spans: %d fields to group by, at most %d are possible", len(q.By), maxBy)
	}
	r := start(ctx, snap, limits)
	defer r.release()
	blocks := r.blocksWithin(q.Start, q.End)
	sums := make([]*aggregator, max(min(runtime.GOMAXPROCS(0), len(blocks)), 1))
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range sums {
		sums[i] = newAggregator(q, r.stop, limits.Groups)
		wg.Go(func() {
			for {
				at := int(next.Add(1)) - 1
				if at >= len(blocks) || !sums[i].visit(blocks[at].block) {
					return
				}
			}
		})
	}
	wg.Wait()
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
	if sums[0].full {
		r.tooMany(limits.Groups, "groups")
	}
	out := sums[0].result(q.Limit)
	out.Stats = r.finish()
	return out, nil
}

// aggregator adds up blocks. It belongs to one goroutine at a time.
type aggregator struct {
	q         *Aggregation
	most      int          // groups held
	fields    []scan.Field // that decide whether a span is added, and to what
	filter    filter
	index     map[string]uint32 // groups by their values
	groups    []group
	durations durations
	full      bool // there are groups beyond most

	blocks int
	spans  uint64
	damage error

	// Of the block at hand.
	codes [maxBy]scan.Codes
	keys  []uint64
	slots slotTable
	rows  scan.Rows
	text  []byte
}

type group struct {
	values        []GroupValue
	spans, errors uint64
	histogram
}

func newAggregator(q *Aggregation, stop <-chan struct{}, most int) *aggregator {
	fields := append(plan.Fields(q.Filter), q.By...)
	fields = append(fields, scan.Field{Intrinsic: scan.IntrinsicStatus})
	return &aggregator{q: q, most: most, fields: fields, filter: filter{stop: stop}, index: map[string]uint32{}}
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

// begin forgets the codes of the block before.
func (a *aggregator) begin() {
	for i := range a.q.By {
		a.codes[i].Reset()
	}
	a.slots.reset()
}

// runRows is how many rows are added at a time: their vectors stay in the
// processor's cache. It is a multiple of 64.
const runRows = 4096

func (a *aggregator) addBlock(b scan.Block, sel *scan.Bitmap) error {
	a.begin()
	words := sel.Words()
	for lo := 0; lo < b.Len(); lo += runRows {
		run := words[lo/64 : min(lo+runRows+63, b.Len()+63)/64]
		if !slices.ContainsFunc(run, func(w uint64) bool { return w != 0 }) {
			continue
		}
		select {
		case <-a.filter.stop:
			return scan.ErrStopped
		default:
		}
		if err := a.read(b, lo, min(lo+runRows, b.Len()), scan.ColStatus|scan.ColDuration); err != nil {
			return err
		}
		a.addRows(run)
	}
	return nil
}

// read fills rows and keys with those of rows [lo, hi).
func (a *aggregator) read(b scan.Block, lo, hi int, want scan.Columns) error {
	if err := b.Rows(lo, hi, want, &a.rows); err != nil {
		return err
	}
	a.keys = slices.Grow(a.keys[:0], hi-lo)[:hi-lo]
	clear(a.keys)
	for i, f := range a.q.By {
		c := &a.codes[i]
		if err := b.Codes(f, lo, hi, c); err != nil {
			return err
		}
		if len(c.Dict) >= 1<<codeBits {
			return fmt.Errorf("aggregate by %d values of one block", len(c.Dict))
		}
		shift := i * codeBits
		for k, code := range c.Rows[:len(a.keys)] {
			a.keys[k] |= uint64(code) << (shift & 63)
		}
	}
	return nil
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

// slot is the group of a key that is not where it would be first.
func (a *aggregator) slot(key uint64) uint32 {
	slot := a.slots.find(key)
	if *slot == 0 {
		*slot = a.group(key)
	}
	return *slot
}

// noGroup stands for a group beyond the limit.
const noGroup = math.MaxUint32

// group is the place of the group with the values that a key stands for, plus
// one.
func (a *aggregator) group(key uint64) uint32 {
	values := make([]GroupValue, len(a.q.By))
	for i := range values {
		if code := key >> (i * codeBits) & (1<<codeBits - 1); code > 0 {
			values[i] = GroupValue{true, a.codes[i].Dict[code-1]}
		}
	}
	return a.groupOf(values)
}

func (a *aggregator) groupOf(values []GroupValue) uint32 {
	a.text = a.text[:0]
	for _, v := range values {
		a.text = append(a.text, presence(v))
		a.text = appendAttrs(a.text, []telemetry.Attr{{Value: v.Value}})
	}
	at, ok := a.index[string(a.text)]
	if ok {
		return at + 1
	}
	if len(a.groups) >= a.most {
		a.full = true
		return noGroup
	}
	at = uint32(len(a.groups))
	a.index[string(a.text)] = at
	a.groups = append(a.groups, group{values: values, histogram: histogram{min: math.MaxUint64}})
	return at + 1
}

func presence(v GroupValue) byte {
	if v.Present {
		return 1
	}
	return 0
}

// merge adds what other holds.
func (a *aggregator) merge(other *aggregator) {
	a.full = a.full || other.full
	for i := range other.groups {
		o := &other.groups[i]
		at := a.groupOf(o.values)
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
	slices.SortFunc(a.groups, func(x, y group) int {
		return cmp.Or(cmp.Compare(y.spans, x.spans), slices.CompareFunc(x.values, y.values, compareGroupValues))
	})
	for i := range a.groups[:min(limit, len(a.groups))] {
		g := &a.groups[i]
		quantile := func(q float64) uint64 { return a.durations.quantile(&g.histogram, q, g.spans) }
		out.Groups = append(out.Groups, Group{
			Values: g.values, Spans: g.spans, Errors: g.errors,
			Min: g.min, P50: quantile(0.5), P90: quantile(0.9), P99: quantile(0.99), Max: g.max,
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
