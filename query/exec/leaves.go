package exec

import (
	"sync"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// LeafCost is how a comparison of a filter was decided while blocks were
// filtered.
type LeafCost struct {
	Text    string
	Blocks  uint64                 // that were asked: those that no comparison before had excluded
	Settled [len(scan.Ways)]uint64 // of them, by scan.Way
	// In the others, runs of rows: PagesRead were looked at, with Rows still in
	// question, of which Kept satisfied the comparison; in PagesSkipped other
	// comparisons had left nothing.
	PagesRead, PagesSkipped, Rows, Kept uint64
	ReadBytes                           uint64 // from files; what the cache has is not read
}

// leafTrails are the trails of the leaves of a query's plans, in their order,
// and of the bounds of its time where these were asked. A nil one has none. It
// is safe for concurrent use.
type leafTrails struct {
	mu  sync.Mutex
	all []*leafTrail
}

type leafTrail struct {
	scan.Trail
	node plan.Node
	text string
}

// plan lists the comparisons of a filter in the order of the plan, also those
// that are never asked.
func (l *leafTrails) plan(n plan.Node) {
	if l == nil {
		return
	}
	switch n := n.(type) {
	case *plan.Leaf:
		l.of(n, n.String())
	case *plan.Relation:
		l.of(n, n.String())
	case plan.Not:
		l.plan(n.X)
	case plan.And:
		for _, x := range n {
			l.plan(x)
		}
	case plan.Or:
		for _, x := range n {
			l.plan(x)
		}
	}
}

// timeBounds stand for the comparisons with the start and, where true, the end
// of the range of time.
var (
	timeBounds     = map[bool]*plan.Leaf{false: {}, true: {}}
	timeBoundTexts = map[bool]string{false: "not before the range of time", true: "not after the range of time"}
)

// of is the trail of a leaf.
func (l *leafTrails) of(n plan.Node, text string) *scan.Trail {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.all {
		if t.node == n {
			return &t.Trail
		}
	}
	t := &leafTrail{node: n, text: text}
	l.all = append(l.all, t)
	return &t.Trail
}

// costs is what the trails tell.
func (l *leafTrails) costs() (out []LeafCost) {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.all {
		c := LeafCost{
			Text: t.text, Blocks: t.Blocks.Load(), PagesRead: t.Pages.Load(), PagesSkipped: t.Skipped.Load(),
			Rows: t.Rows.Load(), Kept: t.Kept.Load(), ReadBytes: t.Bytes.Load(),
		}
		for way := range c.Settled {
			c.Settled[way] = t.Settled[way].Load()
		}
		out = append(out, c)
	}
	return out
}
