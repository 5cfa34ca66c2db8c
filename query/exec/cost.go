package exec

import (
	"context"
	"sync"
	"time"
)

// Cost is what the queries of a context have cost. It is filled as each of
// them ends; a context without one costs a query nothing.
type Cost struct {
	outer  *Cost       // of a context around, told too
	leaves *leafTrails // nil: nobody asks

	mu    sync.Mutex
	total CostTotal
}

// CostTotal is the cost of all queries so far.
type CostTotal struct {
	Queries       int
	Complete      bool   // all of them
	Reason        string // why not
	ScannedSpans  uint64
	ScannedBlocks int
	TotalBlocks   int
	OutsideBlocks int           // without a span within the range of time
	Spans, Traces uint64        // in the answers
	ReadBytes     uint64        // from files, but by look-ups of a trace; what the cache has is not read
	Elapsed       time.Duration // the sum of all queries'
	Steps         [len(StepNames)]Step
	Leaves        []LeafCost // of a query that is explained
}

// Step is what an operator of a query did, and how long that took: where
// several goroutines do it, their times added up, and of what a search filters
// ahead the time that it waited for it.
type Step struct {
	Count int
	Time  time.Duration
}

// The operators of searches and metrics, indexes of StepNames.
const (
	stepFilter = iota
	stepPlace
	stepLookUp
	stepEvaluate
	stepJoin
	stepSummarise
	stepDigest
	stepAdd
	stepCombine
)

// StepNames are the operators as people are told of them.
var StepNames = [...]string{
	"filter blocks", "place traces of blocks", "look up traces", "evaluate whole traces", "find traces with the rest",
	"summarise traces", "add up digests", "add up rows", "combine series",
}

type costKey struct{}

// Observe is ctx with a cost for the queries that run in it.
func Observe(ctx context.Context) (context.Context, *Cost) {
	c := &Cost{outer: costOf(ctx)}
	c.total.Complete = true
	return context.WithValue(ctx, costKey{}, c), c
}

// Explain is [Observe] that is also told about each leaf of the filter.
func Explain(ctx context.Context) (context.Context, *Cost) {
	ctx, c := Observe(ctx)
	c.leaves = &leafTrails{}
	return ctx, c
}

func costOf(ctx context.Context) *Cost {
	c, _ := ctx.Value(costKey{}).(*Cost)
	return c
}

// Total is the cost of the queries that have ended.
func (c *Cost) Total() CostTotal {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.total
	out.Leaves = c.leaves.costs()
	return out
}

// ended adds a query.
func (c *Cost) ended(r *run) {
	if c == nil {
		return
	}
	read := uint64(0)
	if r.reads != nil {
		read = r.reads.Bytes.Load()
	}
	for ; c != nil; c = c.outer {
		c.mu.Lock()
		t := &c.total
		t.Queries++
		t.Complete = t.Complete && r.stats.Complete
		if t.Reason == "" {
			t.Reason = r.stats.Reason
		}
		t.ScannedSpans += r.stats.ScannedSpans
		t.ScannedBlocks += r.stats.ScannedBlocks
		t.TotalBlocks += r.stats.TotalBlocks
		t.OutsideBlocks += r.outside
		t.Spans += r.matchedSpans
		t.Traces += r.matchedTraces
		t.ReadBytes += read
		t.Elapsed += r.stats.Elapsed
		for i, s := range r.steps {
			t.Steps[i].Count += s.Count
			t.Steps[i].Time += s.Time
		}
		c.mu.Unlock()
	}
}

// clock is the time where the cost of the query is wanted.
func (r *run) clock() (t time.Time) {
	if r.cost != nil {
		t = time.Now()
	}
	return t
}

// took adds what was done since then to a step, and is the time.
func (r *run) took(step int, since time.Time) time.Time {
	if r.cost == nil {
		return since
	}
	now := time.Now()
	r.steps[step].Count++
	r.steps[step].Time += now.Sub(since)
	return now
}

// tookWithin is took for a step that is part of the one the search is in, whose
// time it is not.
func (r *run) tookWithin(step int, since time.Time) {
	if r.cost != nil {
		r.steps[r.within].Time -= time.Since(since)
		r.took(step, since)
	}
}

// leaves are the trails of the query's leaves, nil where nobody asks.
func (r *run) leaves() *leafTrails {
	if r.cost == nil {
		return nil
	}
	return r.cost.leaves
}
