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

// chainDepth is how many services a chain has at most; a longer one goes
// round in circles.
const chainDepth = 64

// ServicePaths is the chains of services that traces have gone through: a tree,
// from the services that were called by nobody known.
type ServicePaths struct {
	Traces uint64
	Nodes  []PathNode // parents first
	Stats  exec.Stats
}

// PathNode is a service as the end of a chain.
type PathNode struct {
	Service string
	Parent  int32  // index of the chain without this service, or -1
	Calls   uint64 // of the service by way of the chain: as many as its spans were sampled of
	Errors  uint64 // calls of which the service's span failed
	Traces  uint64 // that have the chain, as they are stored
	Ends    uint64 // traces in which it goes no further from some span
}

// Chain is the services of node i, from the first caller on.
func (p *ServicePaths) Chain(i int) []string {
	var out []string
	for at := int32(i); at >= 0; at = p.Nodes[at].Parent {
		out = append(out, p.Nodes[at].Service)
	}
	slices.Reverse(out)
	return out
}

// Paths is the chains of the traces that q has a result in. A span whose
// parent is of another service extends the parent's chain; all of a service's
// spans below it, up to the next service, are one call.
func Paths(ctx context.Context, snap scan.Snapshot, q *plan.Search, limits exec.Limits) (*ServicePaths, error) {
	begin := func() *pathTree { return newPathTree(limits.Groups) }
	sums, stats, err := exec.Traces(ctx, snap, q, limits, begin, (*pathTree).add)
	if err != nil {
		return nil, fmt.Errorf("find service paths: %w", err)
	}
	out := &ServicePaths{Stats: stats}
	all := begin()
	for _, s := range sums {
		out.Traces += s.traces
		all.merge(s)
	}
	if all.full {
		out.Stats.Limit(fmt.Sprintf("there are more than %d chains of services, or chains of more than %d", limits.Groups, chainDepth))
	}
	out.Nodes = all.sorted()
	return out, nil
}

// pathTree adds up chains. It belongs to one goroutine.
type pathTree struct {
	forest[string, PathNode]
	traces uint64

	// Of the trace at hand.
	place    []int32 // node by span, or -1
	further  []bool  // by span: another service is called by it, or below it within its service
	seen     map[int32]struct{}
	ended    map[int32]struct{}
	entrance []bool // by span: it begins a call
}

func newPathTree(most int) *pathTree {
	return &pathTree{forest: newForest(most, chainDepth, func(parent int32, service string) PathNode {
		return PathNode{Service: service, Parent: parent}
	})}
}

func (p *pathTree) add(t *exec.WholeTrace) error {
	if p.seen == nil {
		p.seen, p.ended = map[int32]struct{}{}, map[int32]struct{}{}
	}
	clear(p.seen)
	clear(p.ended)
	p.traces++
	p.place = append(p.place[:0], make([]int32, len(t.Spans))...)
	p.further, p.entrance = reset(p.further, len(t.Spans)), reset(p.entrance, len(t.Spans))
	for _, i := range t.Order {
		p.enter(t, i)
	}
	for _, i := range slices.Backward(t.Order) { // children first
		above := t.Parent[i]
		if above >= 0 && (p.entrance[i] || p.further[i]) {
			p.further[above] = true
		}
		at := p.place[i]
		if _, known := p.ended[at]; at >= 0 && p.entrance[i] && !p.further[i] && !known {
			p.ended[at] = struct{}{}
			p.nodes[at].Ends++
		}
	}
	return nil
}

// enter places a span below its parent's chain.
func (p *pathTree) enter(t *exec.WholeTrace, i int32) {
	s, above := &t.Spans[i], int32(-1)
	if parent := t.Parent[i]; parent >= 0 {
		above = p.place[parent]
		if t.Spans[parent].Service == s.Service || above < 0 {
			p.place[i] = above
			return
		}
	}
	at := p.node(above, s.Service)
	p.place[i], p.entrance[i] = at, true
	if at < 0 {
		return
	}
	n := &p.nodes[at]
	n.Calls += s.Weight
	if s.Status == telemetry.StatusError {
		n.Errors += s.Weight
	}
	if _, known := p.seen[at]; !known {
		p.seen[at] = struct{}{}
		n.Traces++
	}
}

func (p *pathTree) merge(o *pathTree) {
	p.forest.merge(&o.forest, func(to, from *PathNode) {
		to.Calls += from.Calls
		to.Errors += from.Errors
		to.Traces += from.Traces
		to.Ends += from.Ends
	})
}

// sorted is the nodes by depth, calls and names.
func (p *pathTree) sorted() []PathNode {
	paths := ServicePaths{Nodes: p.nodes}
	chains := make([][]string, len(p.nodes))
	for i := range chains {
		chains[i] = paths.Chain(i)
	}
	return p.forest.sorted(func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.nodes[b].Calls, p.nodes[a].Calls), slices.Compare(chains[a], chains[b]))
	}, func(n *PathNode) *int32 { return &n.Parent })
}

// Relative is a service above or below another one in chains.
type Relative struct {
	Service string
	Depth   int    // the least number of calls between the two; 1: one calls the other
	Calls   uint64 // of the lower one of the two, by way of the upper one
}

// Around tells what depends on a service, at any depth, and what it depends
// on: those that occur before it in a chain, and after it. Nearest first, then
// by calls.
func (p *ServicePaths) Around(service string) (up, down []Relative) {
	above, below := map[string]*Relative{}, map[string]*Relative{}
	for i := range p.Nodes {
		chain := p.Chain(i)
		last := len(chain) - 1
		told := map[string]bool{}
		for k := last - 1; k >= 0; k-- {
			switch {
			case chain[last] == service && chain[k] != service && !told[chain[k]]:
				told[chain[k]] = true
				relate(above, chain[k], last-k, p.Nodes[i].Calls)
			case chain[k] == service && chain[last] != service && !told[service]:
				told[service] = true
				relate(below, chain[last], last-k, p.Nodes[i].Calls)
			}
		}
	}
	return relatives(above), relatives(below)
}

func relate(to map[string]*Relative, service string, depth int, calls uint64) {
	r := to[service]
	if r == nil {
		r = &Relative{service, depth, 0}
		to[service] = r
	}
	r.Depth = min(r.Depth, depth)
	r.Calls += calls
}

func relatives(of map[string]*Relative) []Relative {
	out := make([]Relative, 0, len(of))
	for _, r := range of {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Relative) int {
		return cmp.Or(cmp.Compare(a.Depth, b.Depth), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Service, b.Service))
	})
	return out
}
