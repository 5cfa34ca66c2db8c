package native

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

func (a *api) criticalPaths(q *request) error {
	p, err := q.params.search()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := analysis.CriticalPaths(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = appendUint64Field(appendSample(q.body, res.Sample), "timeNanos", res.Time)
		q.body = appendItems(q.body, "operations", res.Operations, func(dst []byte, x *analysis.PathShare) []byte {
			dst = appendUint64Field(appendOperation(dst, x.Operation), "timeNanos", x.Time)
			dst = appendIntField(dst, "traceCount", int64(x.Traces))
			return append(appendIntField(dst, "spanCount", int64(x.Spans)), '}')
		})
		q.body = append(appendStats(append(q.body, `,"stats":`...), res.Stats), '}')
		return nil
	})
}

// appendSample opens an answer.
func appendSample(dst []byte, s analysis.Sample) []byte {
	dst = strconv.AppendUint(append(dst, `{"traceCount":`...), s.Traces, 10)
	return appendIntField(dst, "sampledOneOf", int64(s.Every))
}

// appendOperation opens an object.
func appendOperation(dst []byte, o analysis.Operation) []byte {
	dst = appendString(append(dst, `{"service":`...), o.Service)
	dst = appendStringField(dst, "name", o.Name)
	return appendStringField(dst, "kind", o.Kind.String())
}

func (a *api) flameGraph(q *request) error {
	p, err := q.params.search()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := analysis.Flame(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = appendItems(appendSample(q.body, res.Sample), "nodes", res.Nodes, func(dst []byte, n *analysis.FlameNode) []byte {
			dst = appendIntField(appendOperation(dst, n.Operation), "parent", int64(n.Parent))
			dst = appendIntField(dst, "spanCount", int64(n.Spans))
			dst = appendIntField(dst, "errorCount", int64(n.Errors))
			dst = appendUint64Field(dst, "totalNanos", n.Total)
			return append(appendUint64Field(dst, "selfNanos", n.Self), '}')
		})
		q.body = append(appendStats(append(q.body, `,"stats":`...), res.Stats), '}')
		return nil
	})
}

func (a *api) heatMap(q *request) error {
	columns := q.params.integer("columns", analysis.HeatColumns, 120)
	p, err := q.params.search()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := analysis.LatencyHeatMap(q.Context(), snap, p, columns, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = strconv.AppendUint(append(q.body, `{"spanCount":`...), res.Spans, 10)
		q.body = appendUint64Field(q.body, "startTimeUnixNano", res.Start)
		q.body = appendUint64Field(q.body, "stepNanos", res.Step)
		q.body = appendItems(q.body, "rows", res.Rows, func(dst []byte, r *analysis.HeatRow) []byte {
			dst = strconv.AppendUint(append(dst, `{"fromNanos":"`...), r.From, 10)
			dst = appendUint64Field(append(dst, '"'), "toNanos", r.To)
			dst = appendItems(dst, "counts", r.Counts, appendCount)
			return append(appendItems(dst, "errors", r.Errors, appendCount), '}')
		})
		q.body = append(appendStats(append(q.body, `,"stats":`...), res.Stats), '}')
		return nil
	})
}

func appendCount(dst []byte, n *uint64) []byte { return strconv.AppendUint(dst, *n, 10) }
