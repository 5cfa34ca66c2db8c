package traceql

import (
	"fmt"
	"math"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// valueType is what is known of the type of a [Value].
type valueType uint8

const (
	valueAny valueType = iota // an attribute's: known when there is one
	valueString
	valueNumber // int or float
	valueDuration
	valueBool
	valueStatus
	valueKind
	valueID
	valueNil
)

var valueTypeNames = [...]string{"an attribute", "a string", "a number", "a duration", "a boolean", "a status", "a span kind", "an id", "nil"}

func (t valueType) String() string { return valueTypeNames[t] }

// arithmetic reports whether a value of type t may be a number.
func (t valueType) arithmetic() bool { return t == valueAny || t == valueNumber || t == valueDuration }

// IsDuration reports whether v is always a duration, in nanoseconds, where it
// is a number.
func IsDuration(v Value) bool { return v.valueType() == valueDuration }

// valueType implements [Value].
func (v *FieldRef) valueType() valueType {
	switch typeOf(v.Field) {
	case typeAttr:
		return valueAny
	case typeInt:
		return valueNumber
	case typeDuration, typeEventTime:
		return valueDuration
	case typeStatus:
		return valueStatus
	case typeKind:
		return valueKind
	case typeTraceID, typeSpanID, typeParentID, typeLinkTraceID, typeLinkSpanID:
		return valueID
	}
	return valueString
}

// valueType implements [Value].
func (v *LiteralRef) valueType() valueType { return v.Literal.Kind.valueType() }

func (k LiteralKind) valueType() valueType {
	return [...]valueType{valueString, valueNumber, valueNumber, valueDuration, valueBool, valueStatus, valueKind, valueNil}[k]
}

// valueType implements [Value].
func (v *Arith) valueType() valueType { return v.Op.result(v.Left.valueType(), v.Right.valueType()) }

// valueType implements [Value].
func (v *Condition) valueType() valueType { return valueBool }

// result is the type of arithmetic on values of two types. The ratio of
// durations is a number; a duration times or by a number is one.
func (o ArithOp) result(l, r valueType) valueType {
	switch {
	case l == valueDuration && r == valueDuration && o == Div:
		return valueNumber
	case l == valueAny || r == valueAny:
		return valueAny
	case l == valueDuration || r == valueDuration:
		return valueDuration
	}
	return valueNumber
}

// arith makes "left op right", a literal if both sides are.
func arith(left Value, op ArithOp, right Value, at int) (Value, error) {
	for _, v := range []Value{left, right} {
		if t := v.valueType(); !t.arithmetic() {
			return nil, &Error{Pos: v.Pos(), Message: fmt.Sprintf("there is no arithmetic with %s", t), Expected: "a number, a duration or an attribute"}
		}
	}
	l, leftOK := left.(*LiteralRef)
	r, rightOK := right.(*LiteralRef)
	if !leftOK || !rightOK {
		return &Arith{Op: op, Left: left, Right: right}, nil
	}
	lit, err := foldArith(l.Literal, op, r.Literal, at)
	return &LiteralRef{Literal: lit, pos: l.pos}, err
}

func foldArith(l Literal, op ArithOp, r Literal, at int) (Literal, error) {
	v, ok := op.Apply(l.Value, r.Value)
	if !ok {
		return Literal{}, &Error{Pos: at, Message: fmt.Sprintf("%s %s %s has no value", l, op, r), Expected: "arithmetic with a result"}
	}
	out := Literal{Kind: LiteralInt, Value: v}
	if v.Type() == telemetry.ValueDouble {
		out.Kind = LiteralFloat
	}
	if op.result(l.Kind.valueType(), r.Kind.valueType()) == valueDuration {
		d := v.Int()
		if out.Kind == LiteralFloat {
			f := math.Round(v.Double())
			if !(f >= -1<<63 && f < 1<<63) {
				return Literal{}, &Error{Pos: at, Message: "the duration is too long", Expected: "at most 292 years"}
			}
			d = int64(f)
		}
		out = Literal{Kind: LiteralDuration, Value: telemetry.IntValue(d)}
	}
	return out, nil
}

// compare makes a comparison; at is its operator's token.
func compare(left Value, op CompareOp, right Value, at token) (Expr, error) {
	lf, leftField := left.(*FieldRef)
	rf, rightField := right.(*FieldRef)
	ll, leftLiteral := left.(*LiteralRef)
	rl, rightLiteral := right.(*LiteralRef)
	regex := op == scan.OpMatch || op == scan.OpNotMatch
	switch {
	case leftField && rightLiteral:
		return check(lf.Field, op, at, rl.Literal, operands{whole: lf.pos, field: lf.pos, literal: rl.pos})
	case regex && leftLiteral && rightField:
		return nil, &Error{Pos: at.pos, Message: "a regular expression stands on the right", Expected: "field " + at.text + " \"…\""}
	case leftLiteral && rightField:
		return check(rf.Field, op.Flip(), at, ll.Literal, operands{whole: ll.pos, field: rf.pos, literal: ll.pos})
	case regex:
		return nil, &Error{Pos: at.pos, Message: "a regular expression is compared with a field", Expected: "field " + at.text + " \"…\""}
	}
	lt, rt := left.valueType(), right.valueType()
	if lt == valueNil || rt == valueNil {
		return nil, &Error{Pos: at.pos, Message: "nil is compared with a field alone", Expected: "field = nil or field != nil"}
	}
	if lt != rt && lt != valueAny && rt != valueAny || isArith(left) && !rt.arithmetic() || isArith(right) && !lt.arithmetic() {
		if isArith(left) && lt == valueAny {
			lt = valueNumber
		}
		if isArith(right) && rt == valueAny {
			rt = valueNumber
		}
		return nil, &Error{Pos: right.Pos(), Message: fmt.Sprintf("%s cannot be compared with %s", lt, rt), Expected: lt.String()}
	}
	if op != scan.OpEqual && op != scan.OpNotEqual && (unorderedType(lt) || unorderedType(rt)) {
		return nil, &Error{Pos: at.pos, Message: fmt.Sprintf("%s has no order", lt), Expected: "= or !="}
	}
	if leftLiteral && rightLiteral {
		p := scan.Predicate{Op: op, Value: rl.Literal.Value}
		return &Constant{Value: p.Holds(ll.Literal.Value), pos: ll.pos}, nil
	}
	return &Relation{Op: op, Left: left, Right: right}, nil
}

func isArith(v Value) bool {
	_, ok := v.(*Arith)
	return ok
}

func unorderedType(t valueType) bool { return t >= valueBool }

// checkNumber wants a value that may be a number.
func checkNumber(v Value, pos int) error {
	if t := v.valueType(); !t.arithmetic() {
		return &Error{Pos: pos, Message: fmt.Sprintf("%s is no number", t), Expected: "a number such as duration, or an attribute"}
	}
	return nil
}

// scalarType implements [Scalar].
func (s *Aggregate) scalarType() valueType {
	if s.Func == Count {
		return valueNumber
	}
	return s.X.valueType()
}

// scalarType implements [Scalar].
func (s *ScalarOp) scalarType() valueType {
	return s.Op.result(s.Left.scalarType(), s.Right.scalarType())
}

// scalarType implements [Scalar].
func (s *ScalarConst) scalarType() valueType { return s.Literal.Kind.valueType() }

func scalarOp(left Scalar, op ArithOp, right Scalar, at int) (Scalar, error) {
	l, leftOK := left.(*ScalarConst)
	r, rightOK := right.(*ScalarConst)
	if !leftOK || !rightOK {
		return &ScalarOp{Op: op, Left: left, Right: right}, nil
	}
	lit, err := foldArith(l.Literal, op, r.Literal, at)
	return &ScalarConst{Literal: lit, pos: l.pos}, err
}

func scalarFilter(left Scalar, op CompareOp, right Scalar, at token) (Stage, error) {
	if op == scan.OpMatch || op == scan.OpNotMatch {
		return nil, &Error{Pos: at.pos, Message: "a number does not match a regular expression", Expected: "a comparison such as = or >"}
	}
	if l, r := left.scalarType(), right.scalarType(); l != r && l != valueAny && r != valueAny {
		return nil, &Error{Pos: right.Pos(), Message: fmt.Sprintf("%s cannot be compared with %s", l, r), Expected: l.String()}
	}
	return &ScalarFilter{Op: op, Left: left, Right: right}, nil
}

// checkSeries makes an operation on series, a constant if both sides are.
func checkSeries(x *MetricsOp, at token) (MetricsExpr, error) {
	if x.Comparing && (x.Compare == scan.OpMatch || x.Compare == scan.OpNotMatch) {
		return nil, &Error{Pos: at.pos, Message: "a series does not match a regular expression", Expected: "a comparison such as = or >"}
	}
	for _, m := range []MetricsExpr{x.Left, x.Right} {
		if c, ok := m.(*Metrics); ok && c.Func == Compare {
			return nil, &Error{Pos: at.pos, Message: "there is no arithmetic with compare", Expected: "the end of the query"}
		}
	}
	l, leftOK := x.Left.(*MetricsConst)
	r, rightOK := x.Right.(*MetricsConst)
	if !leftOK || !rightOK {
		return x, nil
	}
	if x.Comparing {
		return nil, &Error{Pos: at.pos, Message: "two numbers are compared", Expected: "a metrics query on one side"}
	}
	v := x.Arith.Float(l.Value, r.Value) + 0 // no negative zero
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, &Error{Pos: at.pos, Message: "the arithmetic has no value", Expected: "arithmetic with a result"}
	}
	return &MetricsConst{Value: v, pos: l.pos}, nil
}

// checkHint wants a known hint with a value of its type.
func checkHint(h Hint, at int) error {
	want := ""
	number, whole := h.Value.Kind == LiteralFloat || h.Value.Kind == LiteralInt, h.Value.Kind == LiteralInt
	isBool := h.Value.Kind == LiteralBool
	switch h.Name {
	case HintMostRecent, HintExtrapolate, HintSpanOnlyFetch:
		if !isBool {
			want = "true or false"
		}
	case HintSample, HintSpanSample, HintTraceSample:
		share := number
		if number {
			x := floatOf(h.Value.Value)
			share = x > 0 && x <= 1
		}
		switch {
		case share || isBool && h.Name == HintSample:
		case h.Name == HintSample:
			want = "true, false or a share above 0 and up to 1"
		default:
			want = "a share above 0 and up to 1"
		}
	case HintExemplars:
		if !isBool && !(whole && h.Value.Value.Int() >= 0) {
			want = "true, false or how many"
		}
	default:
		msg := fmt.Sprintf("unknown hint %q", string(h.Name)) + didYouMean(string(h.Name), hintNames)
		return &Error{Pos: h.pos, Message: msg, Expected: strings.Join(hintNames, ", ")}
	}
	if want != "" {
		return &Error{Pos: at, Message: fmt.Sprintf("%s cannot be %s", h.Name, h.Value), Expected: want}
	}
	return nil
}
