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
	if q.Filter == nil {
		return "{}"
	}
	return string(append(q.Filter.appendTo([]byte("{ "), bindOr), " }"...))
}

// How tightly an operand binds; one that binds looser than its place wants
// is put in parentheses.
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
	if own < outer {
		dst = append(dst, '(')
	}
	dst = e.Left.appendTo(dst, own)
	dst = append(dst, text...)
	dst = e.Right.appendTo(dst, own+1) // chains associate to the left
	if own < outer {
		dst = append(dst, ')')
	}
	return dst
}

func (e *Not) appendTo(dst []byte, _ int) []byte {
	// Only a binary expression needs parentheses, and had them: printing never
	// nests deeper than the source did.
	return e.X.appendTo(append(dst, '!'), bindUnary)
}

func (e *Constant) appendTo(dst []byte, _ int) []byte { return strconv.AppendBool(dst, e.Value) }

func (e *Comparison) appendTo(dst []byte, _ int) []byte {
	dst = append(e.Field.appendTo(dst), ' ')
	switch e.Op {
	case scan.OpExists:
		return append(dst, "!= nil"...)
	case scan.OpAbsent:
		return append(dst, "= nil"...)
	}
	for _, c := range &comparisons {
		if c.op == e.Op {
			dst = append(dst, c.text...)
		}
	}
	return e.Literal.appendTo(append(dst, ' '))
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
		s := strconv.FormatFloat(v.Double(), 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return append(dst, s...)
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
