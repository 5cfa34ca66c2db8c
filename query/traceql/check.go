package traceql

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// operands says where the parts of a comparison stand.
type operands struct{ whole, field, literal int }

// check makes a comparison of its parts, if it makes sense.
func check(f Field, op CompareOp, sign token, lit Literal, at operands) (Expr, error) {
	t := typeOf(f)
	c := &Comparison{Field: f, Op: op, Literal: lit, pos: at.whole}
	if lit.Kind == LiteralNil {
		return checkNil(c, t, sign, at)
	}
	if !accepts(t, lit.Kind) {
		msg := fmt.Sprintf("%s cannot be compared with %s", f, lit.Kind)
		return nil, &Error{Pos: at.literal, Message: msg, Expected: expectation(t)}
	}
	switch op {
	case scan.OpMatch, scan.OpNotMatch:
		return checkRegex(c, t, sign, at)
	case scan.OpLess, scan.OpLessEqual, scan.OpGreater, scan.OpGreaterEqual:
		if !ordered(t, lit.Kind) {
			what := lit.Kind.String()
			if digits(t) != 0 {
				what = "an id"
			}
			return nil, &Error{Pos: sign.pos, Message: what + " has no order", Expected: "= or !="}
		}
	}
	return c, checkID(t, lit, at)
}

// accepts reports whether a field of type t may be compared with a literal of
// kind k.
func accepts(t fieldType, k LiteralKind) bool {
	switch t {
	case typeAttr:
		return k != LiteralStatus && k != LiteralKindOf
	case typeInt:
		return k == LiteralInt || k == LiteralFloat
	case typeDuration, typeEventTime:
		return k == LiteralDuration
	case typeStatus:
		return k == LiteralStatus
	case typeKind:
		return k == LiteralKindOf
	}
	return k == LiteralString
}

func ordered(t fieldType, k LiteralKind) bool {
	switch t {
	case typeStatus, typeKind, typeTraceID, typeSpanID, typeParentID, typeLinkTraceID, typeLinkSpanID:
		return false
	}
	return k != LiteralBool
}

func checkNil(c *Comparison, t fieldType, sign token, at operands) (Expr, error) {
	switch {
	case t == typeName || t == typeInt || t == typeDuration || t == typeStatus || t == typeKind || t == typeTraceID || t == typeSpanID:
		return nil, &Error{Pos: at.literal, Message: c.Field.String() + " is never nil", Expected: expectation(t)}
	case c.Op == scan.OpEqual:
		c.Op = scan.OpAbsent
	case c.Op == scan.OpNotEqual:
		c.Op = scan.OpExists
	default:
		return nil, &Error{Pos: sign.pos, Message: "nil has no order", Expected: "= or !="}
	}
	return c, nil
}

func checkRegex(c *Comparison, t fieldType, sign token, at operands) (Expr, error) {
	if digits(t) != 0 {
		return nil, &Error{Pos: sign.pos, Message: "an id does not match a regular expression", Expected: "= or !="}
	}
	if c.Literal.Kind != LiteralString {
		return nil, &Error{
			Pos: at.literal, Message: fmt.Sprintf("%s takes a string, not %s", sign.text, c.Literal.Kind), Expected: "a regular expression in quotes",
		}
	}
	if _, err := compile(c.Literal.Value.Str()); err != nil {
		why := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, &Error{Pos: at.literal, Message: "the regular expression is not valid: " + why, Expected: "RE2 syntax"}
	}
	return c, nil
}

// compile makes the regular expression of a =~ or !~, which always matches
// the whole string.
func compile(re string) (*regexp.Regexp, error) {
	// The expression is compiled by itself first, or one such as "a)(b" would
	// escape its anchors.
	if _, err := regexp.Compile(re); err != nil {
		return nil, err
	}
	return regexp.Compile(`^(?s:` + re + `)$`)
}

// Regex is the anchored regular expression of a =~ or !~ comparison.
func (e *Comparison) Regex() *regexp.Regexp {
	re, err := compile(e.Literal.Value.Str())
	if err != nil { // the parser has compiled it before
		panic("traceql: unchecked regular expression: " + err.Error())
	}
	return re
}

// digits is the number of hexadecimal digits of an id of type t, or 0.
func digits(t fieldType) int {
	switch t {
	case typeTraceID, typeLinkTraceID:
		return 32
	case typeSpanID, typeParentID, typeLinkSpanID:
		return 16
	}
	return 0
}

// checkID wants an id's literal to be hexadecimal.
func checkID(t fieldType, lit Literal, at operands) error {
	n := digits(t)
	if n == 0 {
		return nil
	}
	if _, ok := decodeID(lit.Value.Str(), n); !ok {
		return &Error{Pos: at.literal, Message: fmt.Sprintf("%q is not a hexadecimal id", lit.Value.Str()), Expected: expectation(t)}
	}
	return nil
}

// decodeID reads an id of n hexadecimal digits; leading zeros may be missing.
func decodeID(s string, n int) (string, bool) {
	if s == "" || len(s) > n {
		return "", false
	}
	id, err := hex.DecodeString(strings.Repeat("0", n-len(s)) + s)
	return string(id), err == nil
}

// Value is the constant in the form that the store keeps the field in: ids
// are bytes, durations, statuses and kinds are ints.
func (e *Comparison) Value() telemetry.Value {
	if n := digits(typeOf(e.Field)); n != 0 {
		id, _ := decodeID(e.Literal.Value.Str(), n)
		return telemetry.BytesValue(id)
	}
	return e.Literal.Value
}

// expectation says in words what a field of type t is compared with.
func expectation(t fieldType) string {
	switch t {
	case typeInt:
		return "a number"
	case typeDuration, typeEventTime:
		return "a duration such as 100ms or 1.5s"
	case typeStatus:
		return "error, ok or unset"
	case typeKind:
		return "server, client, producer, consumer, internal or unspecified"
	case typeTraceID, typeLinkTraceID:
		return "a trace ID of up to 32 hexadecimal digits in quotes"
	case typeSpanID, typeParentID, typeLinkSpanID:
		return "a span ID of up to 16 hexadecimal digits in quotes"
	case typeAttr:
		return "a string in quotes, a number, a duration, true, false or nil"
	}
	return "a string in quotes"
}

// valueNames are the words that may stand where a value of type t does.
func valueNames(t fieldType) []string {
	switch t {
	case typeStatus:
		return []string{"error", "ok", "unset"}
	case typeKind:
		return []string{"server", "client", "producer", "consumer", "internal", "unspecified"}
	case typeAttr:
		return []string{"true", "false", "nil"}
	}
	return nil
}
