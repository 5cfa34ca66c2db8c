// Package traceql reads TraceQL, the trace query language documented at
// https://grafana.com/docs/tempo/latest/traceql/. It covers the spanset
// filter: one pair of braces around a boolean expression over comparisons of
// span fields with constants.
//
//	query      = "" | "{" [ or ] "}"
//	or         = and { "||" and }
//	and        = unary { "&&" unary }
//	unary      = "!" unary | "(" or ")" | "true" | "false" | comparison
//	comparison = field op literal | literal op field | attribute
//	op         = "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~"
//
// An attribute alone stands for "attribute = true".
//
// Goals: an error names the byte, what was expected there and the nearest
// name that exists; a query that parses is well typed; what is printed parses
// to the same tree. Text of any content and size is safe to parse: length,
// nesting and the number of comparisons are limited.
package traceql

import (
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Query is a parsed query.
type Query struct {
	Filter Expr // nil: every span
}

// Expr is a boolean expression about one span: a [*Binary], [*Not],
// [*Constant] or [*Comparison].
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

// Comparison is "field op literal". It is well typed: the parser lets no
// other through.
type Comparison struct {
	Field   Field
	Op      scan.Op // OpEqual … OpNotMatch; OpExists and OpAbsent for nil
	Literal Literal
	pos     int
}

// Pos implements [Expr].
func (e *Binary) Pos() int { return e.Left.Pos() }

// Pos implements [Expr].
func (e *Not) Pos() int { return e.pos }

// Pos implements [Expr].
func (e *Constant) Pos() int { return e.pos }

// Pos implements [Expr].
func (e *Comparison) Pos() int { return e.pos }

// TraceField is a field of the whole trace, which no span holds by itself.
type TraceField uint8

// The trace-level fields.
const (
	TraceNone        TraceField = iota
	TraceDuration               // latest end minus earliest start, nanoseconds
	TraceRootName               // the root span's name
	TraceRootService            // the root span's service.name
)

// Field is a field of a span or, where Trace is set, of its trace.
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

// Literal is a constant.
type Literal struct {
	Kind  LiteralKind
	Value telemetry.Value
}
