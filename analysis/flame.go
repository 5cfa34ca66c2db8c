package analysis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// flameDepth is how many operations a path has at most. Nobody looks deeper, and
// endless recursion must not take the room of all else.
const flameDepth = 200

// FlameGraph is many traces laid over each other: a tree of paths of
// operations, from the roots down.
type FlameGraph struct {
	Sample
	Nodes []FlameNode // parents first, of siblings the most time first
	Stats exec.Stats
}

// FlameNode is the spans with the same path of operations above them, each as
// many as it was sampled of.
type FlameNode struct {
	Operation
	Parent        int32 // index of the node above, or -1
	Spans, Errors uint64
	Total         uint64 // nanoseconds: the sum of their durations
	// Self is what of Total no child covers, in nanoseconds. Where spans run at
	// the same time, the selves of a tree are more than its root's total.
	Self uint64
}

// Flame is the flame graph of the traces that q has a result in.
func Flame(ctx context.Context, snap scan.Snapshot, q *plan.Search, limits exec.Limits) (*FlameGraph, error) {
	begin := func() *flameSum { return newFlameSum(limits.Groups) }
	sums, every, stats, err := exec.SampleTraces(ctx, snap, q, ProfileTraces, limits, begin, (*flameSum).add)
	if err != nil {
		return nil, fmt.Errorf("make flame graph: %w", err)
	}
	out := &FlameGraph{Sample: Sample{Every: every}, Stats: stats}
	sum := begin()
	for _, s := range sums {
		out.Traces += s.traces
		sum.merge(s)
	}
	if sum.full {
		out.Stats.Limit(fmt.Sprintf("there are more than %d paths of operations, or paths of more than %d", limits.Groups, flameDepth))
	}
	out.Nodes = sum.sorted()
	return out, nil
}

// flameSum adds up traces. It belongs to one goroutine.
type flameSum struct {
	forest[Operation, FlameNode]
	traces uint64

	// Of the trace at hand.
	place    []int32 // node by span, or -1
	children []interval
}

type interval struct {
	parent     int32
	start, end uint64
}

func newFlameSum(most int) *flameSum {
	return &flameSum{forest: newForest(most, flameDepth, func(parent int32, o Operation) FlameNode {
		return FlameNode{Operation: o, Parent: parent}
	})}
}

func (f *flameSum) add(t *exec.WholeTrace) error {
	f.traces++
	f.place = append(f.place[:0], make([]int32, len(t.Spans))...)
	f.children = f.children[:0]
	for _, i := range t.Order {
		s, above := &t.Spans[i], int32(-1)
		if p := t.Parent[i]; p >= 0 {
			f.children = append(f.children, interval{p, s.Start, s.Start + s.Duration})
			if above = f.place[p]; above < 0 {
				f.place[i] = -1
				continue
			}
		}
		at := f.node(above, operationOf(s))
		if f.place[i] = at; at < 0 {
			continue
		}
		n := &f.nodes[at]
		n.Spans += s.Weight
		n.Total += s.Weight * s.Duration
		n.Self += s.Weight * s.Duration
		if s.Status == telemetry.StatusError {
			n.Errors += s.Weight
		}
	}
	f.takeChildren(t)
	return nil
}

// takeChildren takes from the self times what children cover.
func (f *flameSum) takeChildren(t *exec.WholeTrace) {
	slices.SortFunc(f.children, func(a, b interval) int { return cmp.Or(cmp.Compare(a.parent, b.parent), cmp.Compare(a.start, b.start)) })
	var covered uint64 // up to here, of the parent before
	for k, c := range f.children {
		p := &t.Spans[c.parent]
		if k == 0 || f.children[k-1].parent != c.parent {
			covered = p.Start
		}
		from, to := max(c.start, covered), min(c.end, p.Start+p.Duration)
		if from >= to {
			continue
		}
		covered = to
		if at := f.place[c.parent]; at >= 0 {
			f.nodes[at].Self -= p.Weight * (to - from)
		}
	}
}

func (f *flameSum) merge(o *flameSum) {
	f.forest.merge(&o.forest, func(to, from *FlameNode) {
		to.Spans += from.Spans
		to.Errors += from.Errors
		to.Total += from.Total
		to.Self += from.Self
	})
}

// sorted is the nodes in the order in which they are told.
func (f *flameSum) sorted() []FlameNode {
	return f.forest.sorted(func(a, b int32) int {
		x, y := &f.nodes[a], &f.nodes[b]
		if c := cmp.Or(cmp.Compare(y.Total, x.Total), compareOperations(x.Operation, y.Operation)); c != 0 {
			return c
		}
		return f.comparePaths(a, b)
	}, func(n *FlameNode) *int32 { return &n.Parent })
}

// comparePaths orders nodes of the same depth by what is above them.
func (f *flameSum) comparePaths(a, b int32) int {
	for a, b = f.nodes[a].Parent, f.nodes[b].Parent; a != b; a, b = f.nodes[a].Parent, f.nodes[b].Parent {
		if c := compareOperations(f.nodes[a].Operation, f.nodes[b].Operation); c != 0 {
			return c
		}
	}
	return 0
}
