package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/query/traceql"
)

// Explain is the plan as an indented tree, in the order of evaluation.
func (s *Search) Explain() string {
	var w strings.Builder
	fmt.Fprintf(&w, "newest traces, limit %d\n", s.Limit)
	if s.After != nil {
		fmt.Fprintf(&w, "  after %s %s\n", moment(s.After.Start), s.After.ID)
	}
	if s.Start != 0 {
		fmt.Fprintf(&w, "  from %s\n", moment(s.Start))
	}
	if s.End != All {
		fmt.Fprintf(&w, "  before %s\n", moment(s.End))
	}
	s.Filter.explain(&w, 1)
	s.Spans.explain(&w, 1)
	return w.String()
}

// explain tells what whole traces with such spans are asked; nothing where s
// is nil.
func (s *Spans) explain(w *strings.Builder, indent int) {
	if s != nil {
		line(w, indent, "then, of whole traces, "+(&traceql.Query{Spans: s.Pipeline}).String())
	}
}

// Explain is n as an indented tree, in the order of evaluation.
func Explain(n Node) string {
	var w strings.Builder
	n.explain(&w, 0)
	return w.String()
}

func moment(ns uint64) string {
	return time.Unix(int64(ns/1e9), int64(ns%1e9)).UTC().Format(time.RFC3339Nano)
}

func line(w *strings.Builder, indent int, text string) {
	fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", indent), text)
}

func lines(w *strings.Builder, indent int, head string, nodes []Node) {
	line(w, indent, head)
	for _, n := range nodes {
		n.explain(w, indent+1)
	}
}

func (n Constant) explain(w *strings.Builder, indent int) {
	line(w, indent, map[bool]string{true: "every span", false: "no span"}[bool(n)])
}

func (n And) explain(w *strings.Builder, indent int) { lines(w, indent, "all of", n) }

func (n Or) explain(w *strings.Builder, indent int) { lines(w, indent, "one of", n) }

func (n Not) explain(w *strings.Builder, indent int) { lines(w, indent, "not", []Node{n.X}) }

func (n *Leaf) explain(w *strings.Builder, indent int) { line(w, indent, n.text) }

func (n *TraceLeaf) explain(w *strings.Builder, indent int) { line(w, indent, n.text) }

func (n *Relation) explain(w *strings.Builder, indent int) { line(w, indent, n.text) }

// ExplainMetrics is the plan of series as an indented tree.
func ExplainMetrics(x traceql.MetricsExpr) string {
	var w strings.Builder
	explainMetrics(&w, x, 0)
	return w.String()
}

func explainMetrics(w *strings.Builder, x traceql.MetricsExpr, indent int) {
	switch x := x.(type) {
	case *traceql.Metrics:
		m := SpanMetrics(x)
		how := "span by span"
		if m.OfTrace {
			how = "trace by trace"
		}
		line(w, indent, x.Func.String()+", "+how)
		m.Filter.explain(w, indent+1)
		m.Spans.explain(w, indent+1)
	case *traceql.SeriesLimit:
		line(w, indent, fmt.Sprintf("%d series at each point", x.K))
		explainMetrics(w, x.X, indent+1)
	case *traceql.MetricsOp:
		line(w, indent, "series and series, or a constant")
		explainMetrics(w, x.Left, indent+1)
		explainMetrics(w, x.Right, indent+1)
	case *traceql.MetricsConst:
		line(w, indent, strconv.FormatFloat(x.Value, 'g', -1, 64))
	}
}
