package traceql

import (
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// String is the query in its canonical spelling, which parses to an equal
// query.
func (q *Query) String() string {
	var dst []byte
	if q.Metrics != nil {
		dst = q.Metrics.appendMetrics(dst, bindSetOr)
	} else {
		dst = q.Spans.appendTo(dst)
	}
	for i, h := range q.Hints {
		if i == 0 {
			dst = append(dst, " with ("...)
		} else {
			dst = append(dst, ", "...)
		}
		dst = h.Value.appendTo(append(append(dst, h.Name...), " = "...))
	}
	if q.Hints != nil {
		dst = append(dst, ')')
	}
	return string(dst)
}

func (s *Pipeline) appendTo(dst []byte) []byte {
	dst = s.First.appendSpanset(dst, bindSetOr)
	for _, stage := range s.Stages {
		dst = stage.appendStage(append(dst, " | "...))
	}
	return dst
}

func (s *Pipeline) appendSpanset(dst []byte, _ int) []byte {
	return append(s.appendTo(append(dst, '(')), ')')
}

func (s *Filter) appendSpanset(dst []byte, _ int) []byte {
	if s.Cond == nil {
		return append(dst, "{}"...)
	}
	return append(s.Cond.appendTo(append(dst, "{ "...), bindOr), " }"...)
}

func (s *SpansetOp) appendSpanset(dst []byte, outer int) []byte {
	own := s.Op.binding()
	dst = open(dst, own < outer)
	dst = s.Left.appendSpanset(dst, own)
	dst = append(append(append(dst, ' '), s.Op.String()...), ' ')
	dst = s.Right.appendSpanset(dst, own+1) // chains associate to the left
	return shut(dst, own < outer)
}

func open(dst []byte, parenthesis bool) []byte {
	if parenthesis {
		return append(dst, '(')
	}
	return dst
}

func shut(dst []byte, parenthesis bool) []byte {
	if parenthesis {
		return append(dst, ')')
	}
	return dst
}

func (s *Filter) appendStage(dst []byte) []byte    { return s.appendSpanset(dst, bindSetOr) }
func (s *SpansetOp) appendStage(dst []byte) []byte { return s.appendSpanset(dst, bindSetOr) }
func (s *Pipeline) appendStage(dst []byte) []byte  { return s.appendSpanset(dst, bindSetOr) }
func (s *Coalesce) appendStage(dst []byte) []byte  { return append(dst, "coalesce()"...) }

func (s *By) appendStage(dst []byte) []byte {
	dst = append(dst, "by("...)
	for i, v := range s.Exprs {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = v.appendValue(dst, bindOr)
	}
	return append(dst, ')')
}

func (s *Select) appendStage(dst []byte) []byte {
	return appendFields(append(dst, "select"...), s.Fields)
}

// appendFields appends fields in parentheses.
func appendFields(dst []byte, fields []Field) []byte {
	dst = append(dst, '(')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = f.appendTo(dst)
	}
	return append(dst, ')')
}

func (s *ScalarFilter) appendStage(dst []byte) []byte {
	dst = append(s.Left.appendScalar(dst, bindAdd), ' ')
	dst = append(appendComparison(dst, s.Op), ' ')
	return s.Right.appendScalar(dst, bindAdd)
}

func (s *Aggregate) appendScalar(dst []byte, _ int) []byte {
	dst = append(append(dst, s.Func.String()...), '(')
	if s.X != nil {
		dst = s.X.appendValue(dst, bindOr)
	}
	return append(dst, ')')
}

func (s *ScalarOp) appendScalar(dst []byte, outer int) []byte {
	own, left, right := s.Op.bindings()
	dst = open(dst, own < outer)
	dst = append(s.Left.appendScalar(dst, left), ' ')
	dst = append(append(dst, s.Op.String()...), ' ')
	return shut(s.Right.appendScalar(dst, right), own < outer)
}

// bindings are how tightly the operator and its operands must bind.
func (o ArithOp) bindings() (own, left, right int) {
	own = o.binding()
	if o == Pow {
		return own, own + 1, own
	}
	return own, own, own + 1
}

func (s *ScalarConst) appendScalar(dst []byte, _ int) []byte { return s.Literal.appendTo(dst) }

func (m *Metrics) appendMetrics(dst []byte, outer int) []byte {
	dst = open(dst, outer > bindSetOr)
	dst = append(m.Spans.appendTo(dst), " | "...)
	dst = append(append(dst, m.Func.String()...), '(')
	switch {
	case m.Func == Compare:
		dst = m.Compare.appendTo(dst)
	case m.X != nil:
		dst = m.X.appendValue(dst, bindOr)
	}
	for _, q := range m.Quantiles {
		dst = appendFloat(append(dst, ", "...), q)
	}
	dst = append(dst, ')')
	if m.By != nil {
		dst = appendFields(append(dst, " by "...), m.By)
	}
	return shut(dst, outer > bindSetOr)
}

func (c *Comparer) appendTo(dst []byte) []byte {
	dst = c.Selection.appendSpanset(dst, bindSetOr)
	timed := c.Start != 0 || c.End != 0
	if c.TopN != defaultTopN || timed {
		dst = strconv.AppendInt(append(dst, ", "...), int64(c.TopN), 10)
	}
	if timed {
		dst = strconv.AppendUint(append(dst, ", "...), c.Start, 10)
		dst = strconv.AppendUint(append(dst, ", "...), c.End, 10)
	}
	return dst
}

func (l *SeriesLimit) appendMetrics(dst []byte, outer int) []byte {
	dst = open(dst, outer > bindSetOr)
	dst = l.X.appendMetrics(dst, bindSetOr)
	name := " | topk("
	if l.Bottom {
		name = " | bottomk("
	}
	dst = append(strconv.AppendInt(append(dst, name...), int64(l.K), 10), ')')
	return shut(dst, outer > bindSetOr)
}

// appendMetrics puts every pipeline in parentheses, and every operation that
// is an operand: what ends with "by (…)" or topk takes operators that follow
// for its own.
func (m *MetricsOp) appendMetrics(dst []byte, outer int) []byte {
	own, left, right := bindRelation, bindRelation, bindRelation+1
	text := ""
	if m.Comparing {
		text = string(appendComparison(nil, m.Compare))
	} else {
		own, left, right = m.Arith.bindings()
		text = m.Arith.String()
	}
	dst = open(dst, own < outer)
	dst = append(m.Left.appendMetrics(dst, left), ' ')
	dst = append(append(dst, text...), ' ')
	return shut(m.Right.appendMetrics(dst, right), own < outer)
}

func (m *MetricsConst) appendMetrics(dst []byte, _ int) []byte { return appendFloat(dst, m.Value) }

// How tightly an operand of an expression binds; one that binds looser than
// its place wants is put in parentheses. Arithmetic binds as bindAdd and up.
const (
	bindOr = iota
	bindAnd
	bindUnary
)

func (e *Binary) appendTo(dst []byte, outer int) []byte {
	own, text := bindAnd, " && "
	if e.Op == Or {
		own, text = bindOr, " || "
	}
	dst = open(dst, own < outer)
	dst = append(e.Left.appendTo(dst, own), text...)
	dst = e.Right.appendTo(dst, own+1) // chains associate to the left
	return shut(dst, own < outer)
}

func (e *Not) appendTo(dst []byte, outer int) []byte {
	// Only a binary expression needs parentheses inside, and had them: printing
	// never nests deeper than the source did.
	dst = open(dst, outer > bindUnary)
	return shut(e.X.appendTo(append(dst, '!'), bindUnary), outer > bindUnary)
}

func (e *Constant) appendTo(dst []byte, _ int) []byte { return strconv.AppendBool(dst, e.Value) }

func (e *Comparison) appendTo(dst []byte, outer int) []byte {
	dst = open(dst, outer > bindUnary)
	dst = append(e.Field.appendTo(dst), ' ')
	switch e.Op {
	case scan.OpExists:
		dst = append(dst, "!= nil"...)
	case scan.OpAbsent:
		dst = append(dst, "= nil"...)
	default:
		dst = e.Literal.appendTo(append(appendComparison(dst, e.Op), ' '))
	}
	return shut(dst, outer > bindUnary)
}

func (e *Relation) appendTo(dst []byte, outer int) []byte {
	dst = open(dst, outer > bindUnary)
	dst = append(e.Left.appendValue(dst, bindAdd), ' ')
	dst = append(appendComparison(dst, e.Op), ' ')
	return shut(e.Right.appendValue(dst, bindAdd), outer > bindUnary)
}

func appendComparison(dst []byte, op CompareOp) []byte {
	for _, c := range &comparisons {
		if c.op == op {
			dst = append(dst, c.text...)
		}
	}
	return dst
}

func (v *FieldRef) appendValue(dst []byte, _ int) []byte   { return v.Field.appendTo(dst) }
func (v *LiteralRef) appendValue(dst []byte, _ int) []byte { return v.Literal.appendTo(dst) }

func (v *Condition) appendValue(dst []byte, outer int) []byte { return v.Expr.appendTo(dst, outer) }

func (v *Arith) appendValue(dst []byte, outer int) []byte {
	own, left, right := v.Op.bindings()
	dst = open(dst, own < outer)
	dst = append(v.Left.appendValue(dst, left), ' ')
	dst = append(append(dst, v.Op.String()...), ' ')
	return shut(v.Right.appendValue(dst, right), own < outer)
}

// String is the literal as a query spells it.
func (l Literal) String() string { return string(l.appendTo(nil)) }

func (l Literal) appendTo(dst []byte) []byte {
	switch v := l.Value; l.Kind {
	case LiteralString:
		return strconv.AppendQuote(dst, v.Str())
	case LiteralInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case LiteralFloat:
		n := len(dst)
		dst = appendFloat(dst, v.Double())
		if !strings.ContainsAny(string(dst[n:]), ".e") {
			dst = append(dst, ".0"...)
		}
		return dst
	case LiteralDuration:
		return append(dst, time.Duration(v.Int()).String()...)
	case LiteralBool:
		return strconv.AppendBool(dst, v.Bool())
	case LiteralStatus:
		return append(dst, telemetry.Status(v.Int()).String()...)
	case LiteralKindOf:
		return append(dst, telemetry.Kind(v.Int()).String()...)
	}
	return append(dst, "nil"...)
}

func appendFloat(dst []byte, f float64) []byte { return strconv.AppendFloat(dst, f, 'g', -1, 64) }

// Spell is a value as a query spells it.
func Spell(v Value) string { return string(v.appendValue(nil, bindOr)) }

// SpellScalar is a number of a spanset as a query spells it.
func SpellScalar(s Scalar) string { return string(s.appendScalar(nil, bindAdd)) }
