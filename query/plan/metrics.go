package plan

import "github.com/kiseki-dev/kiseki/query/traceql"

// Metrics is the plan of a pipeline whose spans a function makes series of.
// Every span that counts satisfies Filter, which asks nothing about the trace
// unless OfTrace is set.
type Metrics struct {
	*traceql.Metrics
	Filter    Node
	Spans     *Spans // nil where Filter is all
	Selection Node   // of Compare, else nil
	// OfTrace says that whole traces are to be read: for the pipeline, for a
	// condition, or for a field.
	OfTrace bool
}

// SpanMetrics plans m.
func SpanMetrics(m *traceql.Metrics) *Metrics {
	// With a range of time the candidates of a pipeline include every span of
	// its results, as in a block they must.
	out := &Metrics{Metrics: m}
	out.Filter, out.Spans = Pipeline(m.Spans, true)
	out.OfTrace = out.Spans != nil || HasTraceLeaves(out.Filter)
	if m.Compare != nil {
		out.Selection = Filter(m.Compare.Selection.Cond)
		out.OfTrace = out.OfTrace || HasTraceLeaves(out.Selection)
	}
	ask := func(f traceql.Field) { out.OfTrace = out.OfTrace || f.Trace != traceql.TraceNone }
	for _, f := range m.By {
		ask(f)
	}
	if m.X != nil {
		traceql.WalkValue(m.X, ask)
	}
	return out
}
