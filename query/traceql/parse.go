package traceql

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The limits of a query. Each comparison costs a pass over a column, so their
// number bounds the work one request may ask for.
const (
	MaxLength      = 16384 // bytes, as openapi.yaml says
	MaxDepth       = 64    // nested parentheses and negations
	MaxComparisons = 256
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
	if p.tok.kind == tokEnd {
		return &Query{}, nil
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	q := &Query{}
	if !p.at("}") {
		var err error
		if q.Filter, err = p.or(0); err != nil {
			return nil, err
		}
	}
	if !p.at("}") {
		return nil, p.unexpected("&&, || or }")
	}
	if err := p.advance(); err != nil {
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

func (p *parser) at(punct string) bool { return p.tok.kind == tokPunct && p.tok.text == punct }

func (p *parser) expect(punct string) error {
	if !p.at(punct) {
		return p.unexpected(punct)
	}
	return p.advance()
}

func (p *parser) unexpected(want string) error {
	what := fmt.Sprintf("unexpected %q", p.tok.text)
	if p.tok.kind == tokEnd {
		what = "the text ends too early"
	}
	return &Error{Pos: p.tok.pos, Message: what, Expected: want}
}

func (p *parser) or(depth int) (Expr, error) { return p.chain("||", Or, depth, p.and) }

func (p *parser) and(depth int) (Expr, error) { return p.chain("&&", And, depth, p.unary) }

// chain reads operands joined by one left-associative operator.
func (p *parser) chain(punct string, op BinaryOp, depth int, operand func(int) (Expr, error)) (Expr, error) {
	left, err := operand(depth)
	if err != nil {
		return nil, err
	}
	for p.at(punct) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := operand(depth)
		if err != nil {
			return nil, err
		}
		left = &Binary{Op: op, Left: left, Right: right}
	}
	return left, nil
}

func (p *parser) unary(depth int) (Expr, error) {
	if depth > MaxDepth {
		return nil, &Error{Pos: p.tok.pos, Message: fmt.Sprintf("the query nests deeper than %d levels", MaxDepth), Expected: "fewer parentheses"}
	}
	pos := p.tok.pos
	switch {
	case p.at("!"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return &Not{X: x, pos: pos}, nil
	case p.at("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.at(")") {
			return nil, p.unexpected("&&, || or )")
		}
		return x, p.advance()
	}
	if p.comparisons++; p.comparisons > MaxComparisons {
		return nil, &Error{Pos: pos, Message: fmt.Sprintf("the query has more than %d comparisons", MaxComparisons), Expected: "a shorter query"}
	}
	return p.comparison()
}

func (p *parser) comparison() (Expr, error) {
	start := p.tok
	lit, isLiteral := p.literalHere()
	if !isLiteral {
		return p.fieldFirst()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != tokCompare {
		if lit.Kind == LiteralBool {
			return &Constant{Value: lit.Value.Bool(), pos: start.pos}, nil
		}
		return nil, p.unexpected("a comparison such as = or >")
	}
	op := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	f, fieldPos, err := p.fieldHere("a field")
	if err != nil {
		return nil, err
	}
	if op.op == scan.OpMatch || op.op == scan.OpNotMatch {
		return nil, &Error{Pos: op.pos, Message: "a regular expression stands on the right", Expected: "field " + op.text + " \"…\""}
	}
	op.op = flip(op.op)
	return check(f, op, lit, operands{whole: start.pos, field: fieldPos, literal: start.pos})
}

// fieldFirst reads "field op literal", or an attribute alone.
func (p *parser) fieldFirst() (Expr, error) {
	f, pos, err := p.fieldHere("a field or a value")
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokCompare {
		if typeOf(f) != typeAttr {
			return nil, p.unexpected("a comparison such as = or >")
		}
		return &Comparison{Field: f, Literal: Literal{Kind: LiteralBool, Value: telemetry.BoolValue(true)}, pos: pos}, nil
	}
	op := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	lit, ok := p.literalHere()
	if !ok {
		return nil, p.notLiteral(f)
	}
	at := operands{whole: pos, field: pos, literal: p.tok.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return check(f, op, lit, at)
}

// notLiteral explains what stands where a value of f should.
func (p *parser) notLiteral(f Field) error {
	want := expectation(typeOf(f))
	switch p.tok.kind {
	case tokField:
		return &Error{Pos: p.tok.pos, Message: "a field cannot be compared with a field", Expected: want}
	case tokWord:
		msg := fmt.Sprintf("%q is not a value", p.tok.text) + didYouMean(p.tok.text, valueNames(typeOf(f)))
		return &Error{Pos: p.tok.pos, Message: msg, Expected: want}
	}
	return p.unexpected(want)
}

// fieldHere reads the field at the current token.
func (p *parser) fieldHere(want string) (f Field, pos int, err error) {
	if p.tok.kind != tokField && p.tok.kind != tokWord {
		return Field{}, 0, p.unexpected(want)
	}
	pos = p.tok.pos
	f, err = p.field()
	return f, pos, err
}

func (p *parser) field() (Field, error) {
	f := p.tok.field
	if p.tok.kind == tokWord {
		var ok bool
		if f, ok = lookupIntrinsic(p.tok.text); !ok {
			return Field{}, &Error{
				Pos: p.tok.pos, Message: fmt.Sprintf("unknown field %q", p.tok.text) + didYouMean(p.tok.text, knownNames),
				Expected: "a field such as name, or an attribute such as span." + p.tok.text,
			}
		}
	}
	return f, p.advance()
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

// flip is the operator with its operands exchanged.
func flip(op scan.Op) scan.Op {
	switch op {
	case scan.OpLess:
		return scan.OpGreater
	case scan.OpLessEqual:
		return scan.OpGreaterEqual
	case scan.OpGreater:
		return scan.OpLess
	case scan.OpGreaterEqual:
		return scan.OpLessEqual
	}
	return op
}
