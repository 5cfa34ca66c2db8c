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
		q.body = appendLinks(q.body, g)
		return nil
	})
}

// appendLinks appends the edges of a graph, those of equal names as one, in the
// order of the first of each.
func appendLinks(dst []byte, g *analysis.Graph) []byte {
	type count struct{ calls, errors uint64 }
	services := map[string]bool{}
	for _, n := range g.Nodes {
		if n.Kind == analysis.NodeService {
			services[n.Name] = true
		}
	}
	counts := map[link]*count{}
	var order []link
	for i := range g.Edges {
		e := &g.Edges[i]
		l := link{serviceName(e.Client), childName(e, services)}
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

// childName is what an edge leads to. Zipkin knows services only: a database
// that is named as a service is would be taken for that.
func childName(e *analysis.Edge, services map[string]bool) string {
	switch {
	case e.ServerKind == analysis.NodeService:
		return serviceName(e.Server)
	case !services[e.Server]:
		return e.Server
	case e.ServerSystem != "":
		return e.ServerSystem + ":" + e.Server
	}
	return e.ServerKind.String() + ":" + e.Server
}
