package traceql

import (
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Expr is a boolean expression about one span: a [*Binary], [*Not],
// [*Constant], [*Comparison] or [*Relation].
type Expr interface {
	// Pos is the byte offset of the expression in the query.
	Pos() int
	appendTo(dst []byte, outer int) []byte
}

// BinaryOp combines two expressions.
type BinaryOp uint8

// The boolean operators; And binds tighter.
const (
	And BinaryOp = iota
	Or
)

// Binary is "left && right" or "left || right".
type Binary struct {
	Op          BinaryOp
	Left, Right Expr
}

// Not is "!x": true where x is not, also where x is not true for want of a
// field.
type Not struct {
	X   Expr
	pos int
}

// Constant is "true" or "false".
type Constant struct {
	Value bool
	pos   int
}

// CompareOp is a comparison: [scan.OpEqual] … [scan.OpNotMatch].
type CompareOp = scan.Op

// Comparison is "field op literal". It is well typed: the parser lets no
// other through.
type Comparison struct {
	Field   Field
	Op      CompareOp // also scan.OpExists and scan.OpAbsent, for nil
	Literal Literal
	pos     int
}

// Relation is a comparison that is no [Comparison]: between two fields, or
// with arithmetic. Where a side lacks a field, or arithmetic has no result, it
// does not hold, whatever the operator.
type Relation struct {
	Op          CompareOp // no regular expression
	Left, Right Value
}

// Value is an expression that has a value for a span: a [*FieldRef],
// [*LiteralRef], [*Arith] or [*Condition].
type Value interface {
	Pos() int
	valueType() valueType
	appendValue(dst []byte, outer int) []byte
}

// FieldRef is the value of a field.
type FieldRef struct {
	Field Field
	pos   int
}

// LiteralRef is a constant.
type LiteralRef struct {
	Literal Literal
	pos     int
}

// ArithOp is an arithmetic operator.
type ArithOp uint8

// The arithmetic operators. Pow binds tightest and to the right.
const (
	Add ArithOp = iota
	Sub
	Mul
	Div
	Mod
	Pow
)

var arithOps = [...]string{"+", "-", "*", "/", "%", "^"}

// String is the operator as a query spells it.
func (o ArithOp) String() string { return arithOps[o] }

// Arith is "left op right" over numbers; "-x" is "0 - x".
type Arith struct {
	Op          ArithOp
	Left, Right Value
}

// Condition is a boolean expression as a value.
type Condition struct{ Expr Expr }

// Pos implements [Expr].
func (e *Binary) Pos() int { return e.Left.Pos() }

// Pos implements [Expr].
func (e *Not) Pos() int { return e.pos }

// Pos implements [Expr].
func (e *Constant) Pos() int { return e.pos }

// Pos implements [Expr].
func (e *Comparison) Pos() int { return e.pos }

// Pos implements [Expr].
func (e *Relation) Pos() int { return e.Left.Pos() }

// Pos implements [Value].
func (v *FieldRef) Pos() int { return v.pos }

// Pos implements [Value].
func (v *LiteralRef) Pos() int { return v.pos }

// Pos implements [Value].
func (v *Arith) Pos() int { return v.Left.Pos() }

// Pos implements [Value].
func (v *Condition) Pos() int { return v.Expr.Pos() }

// TraceField is a field that no span holds by itself: one of the whole trace,
// or of a span's place in it.
type TraceField uint8

// The fields of a trace and of a place in it. The nested-set numbers are those
// of a walk over the trace's spans, parents first and siblings by start: each
// span has the number at which it is entered and that at which it is left,
// from 1. A span without a parent in the trace has the parent number -1.
const (
	TraceNone        TraceField = iota
	TraceDuration               // latest end minus earliest start, nanoseconds
	TraceRootName               // the root span's name
	TraceRootService            // the root span's service.name
	SpanChildCount              // direct children
	SpanNestedLeft
	SpanNestedRight
	SpanNestedParent // the left number of the parent
)

// OfSpan reports whether f differs from span to span of a trace.
func (f TraceField) OfSpan() bool { return f >= SpanChildCount }

// Field is a field of a span or, where Trace is set, of its trace or its
// place there.
type Field struct {
	scan.Field
	Trace TraceField
}

// LiteralKind is the type of a [Literal].
type LiteralKind uint8

// The kinds of literal.
const (
	LiteralString LiteralKind = iota
	LiteralInt
	LiteralFloat
	LiteralDuration // an int of nanoseconds
	LiteralBool
	LiteralStatus // an int, a telemetry.Status
	LiteralKindOf // an int, a telemetry.Kind
	LiteralNil
)

var literalNames = [...]string{"a string", "an integer", "a float", "a duration", "a boolean", "a status", "a span kind", "nil"}

// String names the kind with its article.
func (k LiteralKind) String() string { return literalNames[k] }

// numeric reports whether k is a number, durations being nanoseconds.
func (k LiteralKind) numeric() bool {
	return k == LiteralInt || k == LiteralFloat || k == LiteralDuration
}

// Literal is a constant.
type Literal struct {
	Kind  LiteralKind
	Value telemetry.Value
}
