// Package traceql reads TraceQL, the trace query language documented at
// https://grafana.com/docs/tempo/latest/traceql/: text becomes a tree whose
// parts are well typed.
//
//	query     = [ spanset | metrics ] [ hints ]
//	spanset   = spans { "|" stage }
//	spans     = operand { setop operand }                  binding as in Go: || loosest, then &&, then the structural ones
//	operand   = "{" [ expr ] "}" | "(" spanset ")"
//	setop     = "||" | "&&" | structural
//	structural = [ "!" | "&" ] ( ">" | ">>" | "<" | "<<" | "~" )
//	stage     = operand | "by" "(" expr { "," expr } ")" | "coalesce" "(" ")" | "select" "(" field { "," field } ")"
//	          | scalar compare scalar
//	scalar    = arithmetic over numbers and "count" "(" ")" | ("avg"|"min"|"max"|"sum") "(" expr ")"
//	metrics   = spanset "|" function [ "by" "(" field { "," field } ")" ] { "|" second } [ compare number ]
//	          | arithmetic over "(" metrics ")" and numbers [ compare number ]
//	function  = "rate" "(" ")" | "count_over_time" "(" ")" | ("min"|"max"|"avg"|"sum") "_over_time" "(" expr ")"
//	          | "quantile_over_time" "(" expr "," number { "," number } ")" | "histogram_over_time" "(" expr ")"
//	          | "compare" "(" "{" expr "}" [ "," int [ "," int "," int ] ] ")"
//	second    = ( "topk" | "bottomk" ) "(" int ")"
//	expr      = boolean, comparison and arithmetic operators over fields and literals
//	compare   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~"
//	hints     = "with" "(" name "=" literal { "," name "=" literal } ")"
//
// A query that begins with a stage applies it to all spans: "count() > 10" is
// "{} | count() > 10". An attribute alone stands for "attribute = true".
// Arithmetic is + - * / % and ^, the power, with the usual binding; / of two
// ints is an int where it divides evenly, else a float. Constants are folded.
//
// Goals: an error names the byte, what was expected there and the nearest
// name that exists; a query that parses is well typed; what is printed parses
// to the same tree. Text of any content and size is safe to parse: length,
// nesting and the number of comparisons are limited.
package traceql

// Query is a parsed query. It searches for traces, or computes series where
// Metrics is set.
type Query struct {
	Spans   *Pipeline   // of a search; nil where Metrics is set
	Metrics MetricsExpr // nil for a search
	Hints   []Hint
}

// Hint is one "name = value" of "with (…)".
type Hint struct {
	Name  HintName
	Value Literal
	pos   int
}

// HintName is a hint that exists.
type HintName string

// The hints. Searches always return the most recent traces, so MostRecent
// changes nothing; Sample lets metrics look at a share of the traces, which
// their answer then says, and so do SpanSample and TraceSample, which leave no
// choice of the share; Extrapolate tells whether a span counts as those that it
// was sampled of, as it does without; Exemplars bounds or turns off exemplars.
// SpanOnlyFetch is about Tempo's own engine and changes nothing.
const (
	HintMostRecent    HintName = "most_recent"    // bool
	HintSample        HintName = "sample"         // bool or a share in (0, 1]
	HintSpanSample    HintName = "span_sample"    // a share in (0, 1]
	HintTraceSample   HintName = "trace_sample"   // a share in (0, 1]
	HintExtrapolate   HintName = "extrapolate"    // bool
	HintExemplars     HintName = "exemplars"      // bool or int
	HintSpanOnlyFetch HintName = "spanonly_fetch" // bool
)

var hintNames = []string{
	string(HintMostRecent), string(HintSample), string(HintSpanSample), string(HintTraceSample),
	string(HintExtrapolate), string(HintExemplars), string(HintSpanOnlyFetch),
}

// Spanset selects spans of one trace: a [*Filter], a [*SpansetOp] or a
// [*Pipeline].
type Spanset interface {
	// Pos is the byte offset in the query.
	Pos() int
	appendSpanset(dst []byte, outer int) []byte
}

// Filter is "{ cond }": the spans for which Cond holds.
type Filter struct {
	Cond Expr // nil: every span
	pos  int
}

// SetOp combines two spansets.
type SetOp uint8

// The operators on spansets. The structural ones give the spans of the right
// side that stand in the relation to a span of the left side; their Union
// forms those of both sides that do; their Not forms the spans of the right
// side that do not. SetAnd gives the spans of both sides if both have some,
// SetOr those of both sides.
const (
	SetOr SetOp = iota
	SetAnd
	SetChild      // >: right is a child of left
	SetDescendant // >>
	SetParent     // <: right is the parent of left
	SetAncestor   // <<
	SetSibling    // ~: another child of the same parent
	SetNotChild
	SetNotDescendant
	SetNotParent
	SetNotAncestor
	SetNotSibling
	SetUnionChild
	SetUnionDescendant
	SetUnionParent
	SetUnionAncestor
	SetUnionSibling
)

var setOps = [...]string{"||", "&&", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<", "&<<", "&~"}

// String is the operator as a query spells it.
func (o SetOp) String() string { return setOps[o] }

// Relation is the operator without "!" or "&": SetChild … SetSibling, or o
// itself for SetOr and SetAnd.
func (o SetOp) Relation() SetOp {
	switch {
	case o >= SetUnionChild:
		return o - SetUnionChild + SetChild
	case o >= SetNotChild:
		return o - SetNotChild + SetChild
	}
	return o
}

// Negated reports whether o is a Not form.
func (o SetOp) Negated() bool { return o >= SetNotChild && o <= SetNotSibling }

// Union reports whether o is a Union form.
func (o SetOp) Union() bool { return o >= SetUnionChild }

// SpansetOp is "left op right".
type SpansetOp struct {
	Op          SetOp
	Left, Right Spanset
}

// Pipeline is a spanset and the stages that it goes through. In a trace it
// begins with one spanset; By makes several of it.
type Pipeline struct {
	First  Spanset
	Stages []Stage
}

// Stage is a step of a pipeline: a [*Filter] or [*SpansetOp] (what of each
// spanset satisfies it), a [*By], a [*Coalesce], a [*Select] or a
// [*ScalarFilter].
type Stage interface {
	Pos() int
	appendStage(dst []byte) []byte
}

// By splits each spanset into those of spans with equal values.
type By struct {
	Exprs []Value
	pos   int
}

// Coalesce makes one spanset of all.
type Coalesce struct{ pos int }

// Select adds fields to the spans of the answer.
type Select struct {
	Fields []Field
	pos    int
}

// ScalarFilter keeps the spansets for which the comparison holds. One without
// any number to aggregate (an average of nothing) satisfies no comparison.
type ScalarFilter struct {
	Op          CompareOp // no regular expression
	Left, Right Scalar
}

// Scalar is a number of a spanset: an [*Aggregate], a [*ScalarOp] or a
// [*ScalarConst].
type Scalar interface {
	Pos() int
	scalarType() valueType
	appendScalar(dst []byte, outer int) []byte
}

// AggregateFunc is a function over the spans of a spanset.
type AggregateFunc uint8

// The functions. Count has no argument.
const (
	Count AggregateFunc = iota
	Avg
	Min
	Max
	Sum
)

var aggregateNames = [...]string{"count", "avg", "min", "max", "sum"}

// String is the function's name.
func (f AggregateFunc) String() string { return aggregateNames[f] }

// Aggregate is "f(x)". Spans for which X is no number do not count, but for
// Count.
type Aggregate struct {
	Func AggregateFunc
	X    Value // nil for Count
	pos  int
}

// ScalarOp is arithmetic on scalars.
type ScalarOp struct {
	Op          ArithOp
	Left, Right Scalar
}

// ScalarConst is a number or duration.
type ScalarConst struct {
	Literal Literal
	pos     int
}

// Pos implements [Spanset] and [Stage].
func (s *Filter) Pos() int { return s.pos }

// Pos implements [Spanset] and [Stage].
func (s *SpansetOp) Pos() int { return s.Left.Pos() }

// Pos implements [Spanset].
func (s *Pipeline) Pos() int { return s.First.Pos() }

// Pos implements [Stage].
func (s *By) Pos() int { return s.pos }

// Pos implements [Stage].
func (s *Coalesce) Pos() int { return s.pos }

// Pos implements [Stage].
func (s *Select) Pos() int { return s.pos }

// Pos implements [Stage].
func (s *ScalarFilter) Pos() int { return s.Left.Pos() }

// Pos implements [Scalar].
func (s *Aggregate) Pos() int { return s.pos }

// Pos implements [Scalar].
func (s *ScalarOp) Pos() int { return s.Left.Pos() }

// Pos implements [Scalar].
func (s *ScalarConst) Pos() int { return s.pos }

// SpanFilter is the condition of a query that is a single pair of braces
// without stages; ok is false for any other. The condition is nil where every
// span satisfies it.
func (q *Query) SpanFilter() (cond Expr, ok bool) {
	if q.Metrics != nil || len(q.Spans.Stages) > 0 {
		return nil, false
	}
	f, ok := q.Spans.First.(*Filter)
	if !ok {
		return nil, false
	}
	return f.Cond, true
}

// FilterQuery is the query "{ cond }".
func FilterQuery(cond Expr) *Query {
	return &Query{Spans: &Pipeline{First: &Filter{Cond: cond}}}
}
