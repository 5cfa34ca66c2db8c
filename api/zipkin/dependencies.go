package zipkin

import (
	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// link is a dependency: what one service calls of another, or of a database, a
// queue or a host.
type link struct{ parent, child string }

// dependencies answers with the calls that started in a range of time.
func (a *api) dependencies(q *request) error {
	if q.params.values.Get("endTs") == "" {
		return badRequest("endTs parameter is missing")
	}
	start, end, err := a.window(q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		g, err := analysis.ServiceGraph(q.Context(), snap, &plan.Search{Filter: plan.Filter(nil), Start: start, End: end}, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, g.Stats)
		q.body = appendLinks(q.body, g.Edges)
		return nil
	})
}

// appendLinks appends the edges, those of equal names as one, in the order of
// the first of each.
func appendLinks(dst []byte, edges []analysis.Edge) []byte {
	type count struct{ calls, errors uint64 }
	counts := map[link]*count{}
	var order []link
	for i := range edges {
		e := &edges[i]
		l := link{serviceName(e.Client), serviceName(e.Server)}
		c := counts[l]
		if c == nil {
			c = &count{}
			counts[l], order = c, append(order, l)
		}
		c.calls += e.Calls
		c.errors += e.Errors
	}
	dst = append(dst, '[')
	for i, l := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		c := counts[l]
		dst = appendText(appendText(dst, `{"parent":`, l.parent), `,"child":`, l.child)
		dst = appendNumber(dst, `,"callCount":`, c.calls)
		if c.errors > 0 {
			dst = appendNumber(dst, `,"errorCount":`, c.errors)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}
