package traceql

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// condition reads a boolean expression.
func (p *parser) condition(depth int) (Expr, error) {
	v, err := p.value(depth)
	if err != nil {
		return nil, err
	}
	return p.asExpr(v)
}

// asExpr is a value as a boolean; the token after it is the current one.
func (p *parser) asExpr(v Value) (Expr, error) {
	switch v := v.(type) {
	case *Condition:
		return v.Expr, nil
	case *FieldRef:
		if typeOf(v.Field) == typeAttr {
			return &Comparison{Field: v.Field, Literal: Literal{Kind: LiteralBool, Value: telemetry.BoolValue(true)}, pos: v.pos}, nil
		}
	case *LiteralRef:
		if v.Literal.Kind == LiteralBool {
			return &Constant{Value: v.Literal.Value.Bool(), pos: v.pos}, nil
		}
	}
	return nil, p.unexpected("a comparison such as = or >")
}

// value reads an expression of any type.
func (p *parser) value(depth int) (Value, error) { return p.chain("||", Or, depth, p.conjunction) }

func (p *parser) conjunction(depth int) (Value, error) { return p.chain("&&", And, depth, p.negation) }

// chain reads operands joined by one left-associative operator.
func (p *parser) chain(text string, op BinaryOp, depth int, operand func(int) (Value, error)) (Value, error) {
	v, err := operand(depth)
	if err != nil || !p.at(text) {
		return v, err
	}
	left, err := p.asExpr(v)
	if err != nil {
		return nil, err
	}
	for p.at(text) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		v, err := operand(depth)
		if err != nil {
			return nil, err
		}
		right, err := p.asExpr(v)
		if err != nil {
			return nil, err
		}
		left = &Binary{Op: op, Left: left, Right: right}
	}
	return &Condition{left}, nil
}

func (p *parser) negation(depth int) (Value, error) {
	if !p.at("!") {
		return p.comparison(depth)
	}
	if err := p.deep(depth); err != nil {
		return nil, err
	}
	pos := p.tok.pos
	if err := p.advance(); err != nil {
		return nil, err
	}
	v, err := p.negation(depth + 1)
	if err != nil {
		return nil, err
	}
	x, err := p.asExpr(v)
	if err != nil {
		return nil, err
	}
	return &Condition{&Not{X: x, pos: pos}}, nil
}

// comparison reads "value op value", or a value alone.
func (p *parser) comparison(depth int) (Value, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	left, err := p.arithmetic(depth, bindAdd)
	if err != nil {
		return nil, err
	}
	op, ok := p.comparisonHere()
	if !ok {
		return left, nil
	}
	at := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if f, ok := left.(*FieldRef); ok {
		if err := p.beValue(f.Field); err != nil {
			return nil, err
		}
	}
	right, err := p.arithmetic(depth, bindAdd)
	if err != nil {
		return nil, err
	}
	e, err := compare(left, op, right, at)
	if err != nil {
		return nil, err
	}
	return &Condition{e}, nil
}

// beValue explains what stands where a value of f should, if nothing does.
func (p *parser) beValue(f Field) error {
	if p.tok.kind == tokOp && !p.at("(") && !p.at("-") || p.tok.kind == tokEnd {
		return p.unexpected(expectation(typeOf(f)))
	}
	if p.tok.kind != tokWord {
		return nil
	}
	if _, ok := p.literalHere(); ok {
		return nil
	}
	if _, ok := lookupIntrinsic(p.tok.text); ok {
		return nil
	}
	msg := fmt.Sprintf("%q is not a value", p.tok.text) + didYouMean(p.tok.text, valueNames(typeOf(f)))
	return &Error{Pos: p.tok.pos, Message: msg, Expected: expectation(typeOf(f))}
}

// arithmetic reads operands joined by operators that bind at least so
// tightly.
func (p *parser) arithmetic(depth, least int) (Value, error) {
	if err := p.deep(depth); err != nil {
		return nil, err
	}
	left, err := p.operand(depth)
	if err != nil {
		return nil, err
	}
	for {
		op, binding, ok := p.arithHere()
		if !ok || binding < least {
			return left, nil
		}
		at := p.tok.pos
		if err := p.count(); err != nil {
			return nil, err
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		tighter := binding + 1
		if op == Pow {
			tighter = binding // to the right
		}
		right, err := p.arithmetic(depth+1, tighter)
		if err != nil {
			return nil, err
		}
		if left, err = arith(left, op, right, at); err != nil {
			return nil, err
		}
	}
}

func (p *parser) operand(depth int) (Value, error) {
	pos := p.tok.pos
	if lit, ok := p.literalHere(); ok {
		return &LiteralRef{Literal: lit, pos: pos}, p.advance()
	}
	switch {
	case p.at("-"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.arithmetic(depth+1, bindPow)
		if err != nil {
			return nil, err
		}
		zero := &LiteralRef{Literal: Literal{Kind: LiteralInt, Value: telemetry.IntValue(0)}, pos: pos}
		if x.valueType() == valueDuration {
			zero.Literal.Kind = LiteralDuration
		}
		return arith(zero, Sub, x, pos)
	case p.at("("):
		if err := p.deep(depth + 1); err != nil {
			return nil, err
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.at(")") {
			return nil, p.unexpected("&&, || or )")
		}
		return v, p.advance()
	case p.tok.kind != tokField && p.tok.kind != tokWord:
		return nil, p.unexpected("a field or a value")
	}
	f, err := p.field()
	if err != nil {
		return nil, err
	}
	return &FieldRef{Field: f, pos: pos}, nil
}
