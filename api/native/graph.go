package native

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// appendItems appends a comma, the name and an array.
func appendItems[T any](dst []byte, name string, items []T, item func([]byte, *T) []byte) []byte {
	dst = append(appendName(dst, name), '[')
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, &items[i])
	}
	return append(dst, ']')
}

func appendText(dst []byte, s *string) []byte { return appendString(dst, *s) }

func (a *api) serviceGraph(q *request) error {
	p, err := q.params.search()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		g, err := analysis.ServiceGraph(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, g.Stats)
		q.body = strconv.AppendUint(append(q.body, `{"traceCount":`...), g.Traces, 10)
		q.body = appendIntField(q.body, "unknownCallCount", int64(g.Unknown))
		q.body = appendItems(q.body, "nodes", g.Nodes, appendNode)
		q.body = appendItems(q.body, "edges", g.Edges, appendEdge)
		q.body = append(appendStats(append(q.body, `,"stats":`...), g.Stats), '}')
		return nil
	})
}

// serviceGraphChanges compares the graph of [baseStart, baseEnd) with that of
// [start, end).
func (a *api) serviceGraphChanges(q *request) error {
	from, to := q.params.moment("baseStart", 0), q.params.moment("baseEnd", 0)
	p, err := q.params.search()
	if err != nil {
		return err
	}
	if to == 0 {
		to = p.Start
	}
	if from > to {
		return badParameter("baseEnd", "It is before baseStart. Without it, it is the start.")
	}
	base := *p
	base.Start, base.End = from, to
	return a.snapshot(func(snap scan.Snapshot) error {
		before, err := analysis.ServiceGraph(q.Context(), snap, &base, a.Limits)
		if err != nil {
			return err
		}
		after, err := analysis.ServiceGraph(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, before.Stats)
		a.note(q, after.Stats)
		added, removed := analysis.ChangedServices(before, after)
		q.body = strconv.AppendUint(append(q.body, `{"beforeTraceCount":`...), before.Traces, 10)
		q.body = appendIntField(q.body, "afterTraceCount", int64(after.Traces))
		q.body = appendItems(q.body, "addedServices", added, appendText)
		q.body = appendItems(q.body, "removedServices", removed, appendText)
		q.body = appendItems(q.body, "edges", analysis.Changes(before, after), func(dst []byte, c *analysis.EdgeChange) []byte {
			dst = appendEdge(append(dst, `{"before":`...), &c.Before)
			return append(appendEdge(append(dst, `,"after":`...), &c.After), '}')
		})
		q.body = appendStats(append(q.body, `,"beforeStats":`...), before.Stats)
		q.body = append(appendStats(append(q.body, `,"stats":`...), after.Stats), '}')
		return nil
	})
}

func appendNode(dst []byte, n *analysis.Node) []byte {
	dst = appendString(append(dst, `{"kind":`...), n.Kind.String())
	dst = appendStringField(dst, "name", n.Name)
	if n.System != "" {
		dst = appendStringField(dst, "system", n.System)
	}
	if n.Kind == analysis.NodeService {
		dst = appendIntField(dst, "spanCount", int64(n.Spans))
		dst = appendIntField(dst, "errorCount", int64(n.Errors))
		dst = appendIntField(dst, "entryCount", int64(n.Entries))
	}
	return append(dst, '}')
}

// appendEdge leaves out what an edge without calls does not have.
func appendEdge(dst []byte, e *analysis.Edge) []byte {
	dst = appendString(append(dst, `{"client":`...), e.Client)
	dst = appendStringField(dst, "server", e.Server)
	dst = appendStringField(dst, "serverKind", e.ServerKind.String())
	if e.ServerSystem != "" {
		dst = appendStringField(dst, "serverSystem", e.ServerSystem)
	}
	dst = strconv.AppendBool(appendName(dst, "messaging"), e.Messaging)
	dst = appendIntField(dst, "callCount", int64(e.Calls))
	dst = appendIntField(dst, "errorCount", int64(e.Errors))
	if e.Calls > 0 {
		dst = appendUint64Field(dst, "firstCallTimeUnixNano", e.First)
		dst = appendUint64Field(dst, "lastCallTimeUnixNano", e.Last)
	}
	if e.ClientLatency.Count > 0 {
		dst = appendLatency(appendName(dst, "clientLatency"), e.ClientLatency)
	}
	if e.ServerLatency.Count > 0 {
		dst = appendLatency(appendName(dst, "serverLatency"), e.ServerLatency)
	}
	return append(dst, '}')
}

func appendLatency(dst []byte, l analysis.Latency) []byte {
	dst = strconv.AppendUint(append(dst, `{"count":`...), l.Count, 10)
	dst = appendUint64Field(dst, "sumNanos", l.Sum)
	dst = appendUint64Field(dst, "minNanos", l.Min)
	dst = appendUint64Field(dst, "p50Nanos", l.P50)
	dst = appendUint64Field(dst, "p90Nanos", l.P90)
	dst = appendUint64Field(dst, "p95Nanos", l.P95)
	dst = appendUint64Field(dst, "p99Nanos", l.P99)
	return append(appendUint64Field(dst, "maxNanos", l.Max), '}')
}

func (a *api) servicePaths(q *request) error {
	service, given := q.params.text("service", 1024)
	p, err := q.params.search()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		paths, err := analysis.Paths(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, paths.Stats)
		q.body = strconv.AppendUint(append(q.body, `{"traceCount":`...), paths.Traces, 10)
		q.body = appendItems(q.body, "paths", paths.Nodes, func(dst []byte, n *analysis.PathNode) []byte {
			dst = appendString(append(dst, `{"service":`...), n.Service)
			dst = appendIntField(dst, "parent", int64(n.Parent))
			dst = appendIntField(dst, "callCount", int64(n.Calls))
			dst = appendIntField(dst, "errorCount", int64(n.Errors))
			dst = appendIntField(dst, "traceCount", int64(n.Traces))
			return append(appendIntField(dst, "endCount", int64(n.Ends)), '}')
		})
		if given {
			up, down := paths.Around(service)
			q.body = appendItems(q.body, "upstream", up, appendRelative)
			q.body = appendItems(q.body, "downstream", down, appendRelative)
		}
		q.body = append(appendStats(append(q.body, `,"stats":`...), paths.Stats), '}')
		return nil
	})
}

func appendRelative(dst []byte, r *analysis.Relative) []byte {
	dst = appendString(append(dst, `{"service":`...), r.Service)
	dst = appendIntField(dst, "depth", int64(r.Depth))
	return append(appendIntField(dst, "callCount", int64(r.Calls)), '}')
}

func (a *api) criticalPath(q *request) error {
	return a.oneTrace(q, func(t *exec.Trace) error {
		first := true
		q.body = append(q.body, `{"stretches":[`...)
		for _, s := range analysis.CriticalPathOf(t) {
			q.body = appendComma(q.body, &first)
			q.body = strconv.AppendInt(append(q.body, `{"row":`...), int64(s.Span), 10)
			q.body = appendHex(appendName(q.body, "spanId"), t.Batch.Spans[s.Span].SpanID[:])
			q.body = appendUint64Field(q.body, "startTimeUnixNano", s.Start)
			q.body = append(appendUint64Field(q.body, "endTimeUnixNano", s.End), '}')
		}
		q.body = append(appendStats(append(q.body, `],"stats":`...), t.Stats), '}')
		return nil
	})
}
