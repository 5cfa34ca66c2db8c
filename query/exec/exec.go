// Package exec answers queries over a [scan.Snapshot]. There is one operator
// a file:
//
//	filter.go      which rows of a block satisfy a plan
//	newest.go      the newest traces that have such a row
//	cost.go        what the queries of a context cost
//	among.go       which of some traces a query finds
//	sieve.go       which traces of a block can have a result; sieve_tree.go
//	               by the relations between spans
//	semijoin.go    the traces that have what a result needs
//	lookahead.go   the blocks that newest will want, on other processors
//	summary.go     what a trace is, in a line
//	trace.go       one whole trace; trace_parts.go part after part
//	traces.go      every whole trace that a query finds; traces_sample.go some
//	               of them, evenly in time
//	lone.go        the traces that lie in one place
//	view.go        one whole trace as rows; block_cache.go what many traces of a
//	               block need of it
//	selections.go  the rows of blocks that queries select
//	aggregate.go   groups of spans with their counts and durations; digest.go
//	               adds up blocks without reading their rows
//	metrics.go     series of numbers over time; the metrics_… files have its
//	               functions and what is done with series
//	operations.go  services and what they do
//	keys.go        attribute keys
//	values.go      the values of a field
//
// Goals: an answer does not depend on where spans are stored; it is exact, or
// says that it is not and why; it reads the blocks and columns it needs and no
// others; a cancelled context stops it within a page of a block.
//
// A span that a client sent twice, equal in every field, is one span to
// newest, summary and trace. Operations, keys and values count what is stored.
//
// Blocks must be comparable, as pointers are: rows of one block are decided
// together.
//
// Everything an answer refers to is valid until the snapshot is released.
package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Limits bound the work and memory of one query. What exceeds them makes an
// answer incomplete, not an error.
type Limits struct {
	Time       time.Duration // from the start of the query
	Traces     int           // candidates a search may hold, about 100 bytes each
	TraceSpans int           // spans of one trace that are read
	Names      int           // distinct operations, keys or values held
	Groups     int           // of an aggregation, about 3 kB each and worker
	Series     int           // of each function of a metrics query
	Points     int           // of a series; a query for more is an error
	Memory     int           // bytes that a metrics query adds up in
}

// DefaultLimits are generous: about 100 MB for a search, 2 GB for a whole trace.
var DefaultLimits = Limits{
	Time: 30 * time.Second, Traces: 1 << 20, TraceSpans: 1 << 20, Names: 1 << 18, Groups: 1 << 14,
	Series: 1 << 14, Points: 11_000, Memory: 256 << 20,
}

// Of is l for a query that may take another time, and as much memory as given,
// in bytes: all numbers of things held are in proportion.
func (l Limits) Of(t time.Duration, memory int64) Limits {
	share := float64(memory) / float64(l.Memory)
	for _, n := range []*int{&l.Traces, &l.TraceSpans, &l.Names, &l.Groups, &l.Series, &l.Memory} {
		*n = max(int(float64(*n)*share), 1)
	}
	l.Time = t
	return l
}

// Stats says how much was read for an answer, and whether it is the whole
// answer.
type Stats struct {
	Complete      bool
	Reason        string // why not complete, for the client
	ScannedSpans  uint64 // in the blocks that were filtered or read, as often as they were
	TotalSpans    uint64
	ScannedBlocks int
	TotalBlocks   int
	Elapsed       time.Duration
	// Damage is what could not be read, for the operator's log; Complete is
	// false then.
	Damage error
}

// run is one query under way. It belongs to one goroutine.
type run struct {
	ctx context.Context
	// timed is ctx with the limit on time; stop is closed when it is done.
	timed   context.Context
	stop    <-chan struct{}
	release context.CancelFunc // of timed
	limits  Limits
	sources []scan.Source
	stats   Stats
	lone    *lone
	began   time.Time
	cost    *Cost                // nil: nobody asks
	steps   [len(StepNames)]Step // where cost is not nil
	within  int                  // the step that a search is in
	outside int                  // blocks outside of the range of time
	reads   *scan.Reads          // of all parts; nil where they are not metered
	// What the answer is of, for the cost.
	matchedSpans, matchedTraces uint64
}

// start begins a query; the caller defers release.
func start(ctx context.Context, snap scan.Snapshot, limits Limits) *run {
	r := &run{ctx: ctx, limits: limits, sources: snap.Sources(), lone: &lone{}, began: time.Now(), cost: costOf(ctx)}
	r.timed, r.release = context.WithTimeout(ctx, limits.Time)
	r.stop = r.timed.Done()
	r.stats.Complete = true
	for _, s := range r.sources {
		r.stats.TotalSpans += s.SpanCount()
		r.stats.TotalBlocks += len(s.Blocks())
	}
	return r
}

// meter has the sources tell what is read of them. A look-up of a trace, which
// asks for no blocks, is not metered: it would take a quarter longer.
func (r *run) meter() {
	r.reads = &scan.Reads{}
	r.sources = slices.Clone(r.sources)
	for i, s := range r.sources {
		if m, ok := s.(scan.Metered); ok {
			r.sources[i] = m.Metered(r.reads)
		}
	}
}

// fork is a part of the query for another goroutine; join adds up what it
// found.
func (r *run) fork() *run {
	part := *r
	part.stats = Stats{Complete: true}
	part.steps, part.matchedSpans, part.matchedTraces = [len(StepNames)]Step{}, 0, 0
	return &part
}

func (r *run) join(part *run) {
	r.stats.ScannedBlocks += part.stats.ScannedBlocks
	r.stats.ScannedSpans += part.stats.ScannedSpans
	r.stats.Damage = errors.Join(r.stats.Damage, part.stats.Damage)
	r.matchedSpans += part.matchedSpans
	r.matchedTraces += part.matchedTraces
	for i, s := range part.steps {
		r.steps[i].Count += s.Count
		r.steps[i].Time += s.Time
	}
	if !part.stats.Complete {
		r.incomplete(part.stats.Reason)
	}
}

func (r *run) finish() Stats {
	r.stats.Elapsed = time.Since(r.began)
	r.cost.ended(r)
	return r.stats
}

// more reports whether the query may go on. It is asked once a block and once
// a trace.
func (r *run) more() (bool, error) {
	if err := r.ctx.Err(); err != nil {
		return false, fmt.Errorf("run query: %w", context.Cause(r.ctx))
	}
	if r.late() {
		r.incomplete(fmt.Sprintf("the query took longer than %s", r.limits.Time))
		return false, nil
	}
	return true, nil
}

// late reports whether the limit on time is met.
func (r *run) late() bool {
	select {
	case <-r.stop:
		return true
	default:
		return time.Since(r.began) > r.limits.Time
	}
}

// queuedBlock is a block to visit.
type queuedBlock struct {
	block  scan.Block
	source int
	bound  uint64 // no trace of the block starts later
}

// blocksWithin are the blocks with spans that may have started within
// [start, end), by their bounds, the newest last.
func (r *run) blocksWithin(start, end uint64) (blocks []queuedBlock) {
	if r.cost != nil && r.reads == nil {
		r.meter()
	}
	for i, src := range r.sources {
		for _, b := range src.Blocks() {
			lo, hi := b.Bounds()
			if b.Len() == 0 || hi < start || lo >= end && end != plan.All {
				r.outside++
				continue
			}
			blocks = append(blocks, queuedBlock{block: b, source: i, bound: b.NewestTrace()})
		}
	}
	slices.SortStableFunc(blocks, func(a, b queuedBlock) int { return cmp.Compare(a.bound, b.bound) })
	return blocks
}

// scanned counts a block as read.
func (r *run) scanned(b scan.Block) {
	r.stats.ScannedBlocks++
	r.stats.ScannedSpans += uint64(b.Len())
}

func (r *run) incomplete(reason string) { r.stats.Limit(reason) }

// damaged notes that something could not be read. The query goes on with what
// can be. That reading was stopped is no damage: more tells why it was.
func (r *run) damaged(what string, err error) {
	if errors.Is(err, scan.ErrStopped) {
		return
	}
	r.stats.Damaged(fmt.Errorf("%s: %w", what, err))
}

// tooMany notes that a limit on a number was met.
func (r *run) tooMany(n int, what string) {
	r.incomplete(fmt.Sprintf("there are more than %d %s", n, what))
}

// Limit notes that an answer that s is of is not all there is, and why.
func (s *Stats) Limit(reason string) {
	if s.Complete {
		s.Complete, s.Reason = false, reason
	}
}

// Damaged notes that something of the answer could not be read; nil changes
// nothing.
func (s *Stats) Damaged(err error) {
	if err != nil {
		s.Damage = errors.Join(s.Damage, err)
		s.Limit("some of the stored data could not be read")
	}
}
