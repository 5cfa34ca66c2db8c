package exec

import (
	"context"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Cost is what the queries of a context have cost. It is filled as each of
// them ends; a context without one costs a query nothing.
type Cost struct {
	outer *Cost // of a context around, told too
	trail scan.Trail

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
	// OutsideBlocks have no span within the range of time. Settled and Pages
	// are told of searches only: how often the summaries, dictionaries and
	// bloom filters of a segment's block settled a filter for all of its rows,
	// and how many pages of rows were read for the others.
	OutsideBlocks  int
	Settled, Pages uint64
	Elapsed        time.Duration // the sum of all queries'
	Steps          [len(StepNames)]Step
}

// Step is what an operator of a search did, and for how long the search waited
// for it.
type Step struct {
	Count int
	Time  time.Duration
}

// The operators of a search, indexes of StepNames.
const (
	stepFilter = iota
	stepPlace
	stepLookUp
	stepSummarise
)

// StepNames are the operators of a search as people are told of them.
var StepNames = [...]string{"filter blocks", "place traces of blocks", "look up traces", "summarise traces"}

type costKey struct{}

// Observe is ctx with a cost for the queries that run in it.
func Observe(ctx context.Context) (context.Context, *Cost) {
	c := &Cost{outer: costOf(ctx)}
	c.total.Complete = true
	return context.WithValue(ctx, costKey{}, c), c
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
	out.Settled, out.Pages = c.trail.Settled.Load(), c.trail.Pages.Load()
	return out
}

// ended adds a query.
func (c *Cost) ended(r *run) {
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

// trail is where reads of the query are counted, nil: nowhere.
func (r *run) trail() *scan.Trail {
	if r.cost == nil {
		return nil
	}
	return &r.cost.trail
}
