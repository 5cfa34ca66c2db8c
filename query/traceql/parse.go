package traceql

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The limits of a query. Each comparison costs a pass over a column, so their
// number bounds the work one request may ask for.
const (
	MaxLength      = 16384 // bytes, as openapi.yaml says
	MaxDepth       = 64    // nested parentheses and negations
	MaxComparisons = 256   // and other operands
	MaxStages      = 64    // of all pipelines, operators between spansets and series included
)

// Parse reads a query. Errors are of type [*Error].
func Parse(text string) (*Query, error) {
	if len(text) > MaxLength {
		return nil, &Error{Pos: MaxLength, Message: fmt.Sprintf("the query is longer than %d bytes", MaxLength), Expected: "a shorter query"}
	}
	p := parser{lexer: lexer{text: text}}
	if err := p.start(); err != nil {
		return nil, err
	}
	q := &Query{Spans: &Pipeline{First: &Filter{}}}
	if p.tok.kind != tokEnd {
		x, err := p.top(0)
		if err != nil {
			return nil, err
		}
		if c, ok := x.metrics.(*MetricsConst); ok {
			return nil, &Error{Pos: c.pos, Message: "a number is no query", Expected: "{"}
		}
		q.Spans, q.Metrics = x.pipeline(), x.metrics
	}
	if err := p.hints(q); err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected("the end of the query")
	}
	return q, nil
}

// parser is a recursive-descent parser with one token of look-ahead.
type parser struct {
	lexer
	tok         token
	comparisons int
	stages      int
}

func (p *parser) start() error {
	for i, r := range p.text {
		if _, n := utf8.DecodeRuneInString(p.text[i:]); r == utf8.RuneError && n == 1 {
			return &Error{Pos: i, Message: "the query is not valid UTF-8", Expected: "UTF-8 text"}
		}
	}
	return p.advance()
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) at(op string) bool { return p.tok.kind == tokOp && p.tok.text == op }

func (p *parser) atWord(word string) bool { return p.tok.kind == tokWord && p.tok.text == word }

func (p *parser) expect(op string) error {
	if !p.at(op) {
		return p.unexpected(op)
	}
	return p.advance()
}

func (p *parser) unexpected(want string) error {
	what := fmt.Sprintf("unexpected %q", p.tok.text)
	switch {
	case p.tok.kind == tokEnd:
		what = "the text ends too early"
	case p.tok.kind == tokLiteral && p.tok.literal.Kind == LiteralString:
		what = "unexpected string " + p.tok.text
	}
	return &Error{Pos: p.tok.pos, Message: what, Expected: want}
}

// deep refuses to nest deeper than the limit.
func (p *parser) deep(depth int) error {
	if depth > MaxDepth {
		return &Error{Pos: p.tok.pos, Message: fmt.Sprintf("the query nests deeper than %d levels", MaxDepth), Expected: "fewer parentheses"}
	}
	return nil
}

// count counts an operand of an expression.
func (p *parser) count() error {
	if p.comparisons++; p.comparisons > MaxComparisons {
		return &Error{Pos: p.tok.pos, Message: fmt.Sprintf("the query has more than %d comparisons", MaxComparisons), Expected: "a shorter query"}
	}
	return nil
}

// countStage counts a stage or an operator between spansets or series.
func (p *parser) countStage() error {
	if p.stages++; p.stages > MaxStages {
		return &Error{Pos: p.tok.pos, Message: fmt.Sprintf("the query has more than %d stages", MaxStages), Expected: "a shorter query"}
	}
	return nil
}

// comparisonHere is the comparison operator at the current token.
func (p *parser) comparisonHere() (op CompareOp, ok bool) {
	if p.tok.kind != tokOp {
		return 0, false
	}
	return comparison(p.tok.text)
}

// comparison is the comparison operator that is spelt so.
func comparison(text string) (op CompareOp, ok bool) {
	for _, c := range &comparisons {
		if c.text == text {
			return c.op, true
		}
	}
	return 0, false
}

// arithHere is the arithmetic operator at the current token and how tightly
// it binds.
func (p *parser) arithHere() (op ArithOp, binding int, ok bool) {
	if p.tok.kind != tokOp {
		return 0, 0, false
	}
	for i, text := range &arithOps {
		if text == p.tok.text {
			return ArithOp(i), ArithOp(i).binding(), true
		}
	}
	return 0, 0, false
}

func (p *parser) field() (Field, error) {
	f := p.tok.field
	if p.tok.kind == tokWord {
		var ok bool
		if f, ok = lookupIntrinsic(p.tok.text); !ok {
			expected := "a field such as name, or an attribute such as span." + p.tok.text
			if strings.Contains(p.tok.text, ":") {
				expected = "a field such as span:name, or an attribute such as span.http.route"
			}
			return Field{}, &Error{
				Pos: p.tok.pos, Message: fmt.Sprintf("unknown field %q", p.tok.text) + didYouMean(p.tok.text, knownNames), Expected: expected,
			}
		}
	}
	return f, p.advance()
}

// fields reads "( field, … )".
func (p *parser) fields() (out []Field, err error) {
	err = p.list(func() error {
		if p.tok.kind != tokField && p.tok.kind != tokWord {
			return p.unexpected("a field such as resource.service.name")
		}
		f, err := p.field()
		out = append(out, f)
		return err
	})
	return out, err
}

// list reads one or more items in parentheses.
func (p *parser) list(item func() error) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for {
		if err := p.count(); err != nil {
			return err
		}
		if err := item(); err != nil {
			return err
		}
		if !p.at(",") {
			break
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	if !p.at(")") {
		return p.unexpected(", or )")
	}
	return p.advance()
}

// literalHere is the value of the current token, if it is one.
func (p *parser) literalHere() (Literal, bool) {
	if p.tok.kind == tokLiteral {
		return p.tok.literal, true
	}
	if p.tok.kind != tokWord {
		return Literal{}, false
	}
	switch w := p.tok.text; w {
	case "true", "false":
		return Literal{Kind: LiteralBool, Value: telemetry.BoolValue(w == "true")}, true
	case "nil":
		return Literal{Kind: LiteralNil}, true
	case "minInt":
		return Literal{Kind: LiteralInt, Value: telemetry.IntValue(math.MinInt64)}, true
	case "maxInt":
		return Literal{Kind: LiteralInt, Value: telemetry.IntValue(math.MaxInt64)}, true
	default:
		if s, ok := telemetry.ParseStatus(w); ok {
			return Literal{Kind: LiteralStatus, Value: telemetry.IntValue(int64(s))}, true
		}
		if k, ok := telemetry.ParseKind(w); ok {
			return Literal{Kind: LiteralKindOf, Value: telemetry.IntValue(int64(k))}, true
		}
	}
	return Literal{}, false
}

// hints reads "with (…)" at the end of a query.
func (p *parser) hints(q *Query) error {
	if !p.atWord("with") {
		return nil
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.list(func() error {
		h := Hint{Name: HintName(p.tok.text), pos: p.tok.pos}
		if p.tok.kind != tokWord {
			return p.unexpected("a hint such as most_recent")
		}
		if err := p.advance(); err != nil {
			return err
		}
		if err := p.expect("="); err != nil {
			return err
		}
		at := p.tok.pos
		var ok bool
		if h.Value, ok = p.literalHere(); !ok {
			return p.unexpected("a value such as true")
		}
		if err := checkHint(h, at); err != nil {
			return err
		}
		q.Hints = append(q.Hints, h)
		return p.advance()
	})
}

// ParseFilter reads a query that must be one pair of braces without stages,
// and returns its condition, nil for that of every span.
func ParseFilter(text string) (Expr, error) {
	q, err := Parse(text)
	if err != nil {
		return nil, err
	}
	cond, ok := q.SpanFilter()
	if !ok {
		return nil, &Error{Message: "the query is more than a filter of single spans", Expected: "one pair of braces, such as { status = error }"}
	}
	return cond, nil
}

// ParseSearch reads a query that must search for traces: no metrics.
func ParseSearch(text string) (*Query, error) {
	q, err := Parse(text)
	if err == nil && q.Metrics != nil {
		return nil, &Error{Pos: q.Metrics.Pos(), Message: "the query computes series, it finds no traces", Expected: "a query without a metrics function"}
	}
	return q, err
}
