package querytest

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// holds reports whether e is true of span i.
func (t *trace) holds(e traceql.Expr, i int) bool {
	switch e := e.(type) {
	case nil:
		return true
	case *traceql.Constant:
		return e.Value
	case *traceql.Not:
		return !t.holds(e.X, i)
	case *traceql.Binary:
		if e.Op == traceql.And {
			return t.holds(e.Left, i) && t.holds(e.Right, i)
		}
		return t.holds(e.Left, i) || t.holds(e.Right, i)
	case *traceql.Comparison:
		return t.compared(e, i)
	case *traceql.Relation:
		left, lok := t.value(e.Left, i)
		right, rok := t.value(e.Right, i)
		return lok && rok && compares(e.Op, left, right)
	}
	panic(fmt.Sprintf("unknown expression %T", e))
}

// compared compares a field with a literal: of an event or link, any of the
// span's may satisfy it.
func (t *trace) compared(e *traceql.Comparison, i int) bool {
	switch e.Op {
	case scan.OpExists, scan.OpAbsent:
		_, ok := t.field(i, e.Field)
		return ok == (e.Op == scan.OpExists)
	}
	for _, v := range t.values(i, e.Field) {
		if e.Op == scan.OpMatch || e.Op == scan.OpNotMatch {
			if matches(e, v) {
				return true
			}
		} else if compares(e.Op, v, literal(e, v)) {
			return true
		}
	}
	return false
}

// literal is the literal as what it is compared with: an ID is in hexadecimal,
// and leading zeros may be left out.
func literal(e *traceql.Comparison, v telemetry.Value) telemetry.Value {
	if e.Field.Scope != scan.ScopeIntrinsic || v.Type() != telemetry.ValueBytes {
		return e.Literal.Value
	}
	digits := e.Literal.Value.Str()
	id, err := hex.DecodeString(strings.Repeat("0", 2*len(v.Str())-len(digits)) + digits)
	if err != nil {
		panic(err)
	}
	return telemetry.BytesValue(string(id))
}

// matches reports whether the whole of v matches the regular expression, or
// with !~ that it is a string and does not. Of an array any element must
// match, with !~ none of strings alone.
func matches(e *traceql.Comparison, v telemetry.Value) bool {
	re := regexp.MustCompile(`\A(?s:` + e.Literal.Value.Str() + `)\z`)
	one := func(v telemetry.Value) bool {
		return v.Type() == telemetry.ValueString && re.MatchString(v.Str()) == (e.Op == scan.OpMatch)
	}
	if v.Type() == telemetry.ValueArray {
		return ofElements(v, e.Op == scan.OpNotMatch, one)
	}
	return one(v)
}

// ofElements reports whether all elements of an array, or any of them, are.
func ofElements(array telemetry.Value, all bool, is func(telemetry.Value) bool) bool {
	n, held := 0, 0
	err := telemetry.Elements(array.Str(), func(e telemetry.Value) bool {
		n++
		if is(e) {
			held++
		}
		return true
	})
	if err != nil {
		panic(err)
	}
	if all {
		return held == n
	}
	return held > 0
}

// value is an expression for span i; ok is false where it has no value.
func (t *trace) value(x traceql.Value, i int) (v telemetry.Value, ok bool) {
	switch x := x.(type) {
	case *traceql.FieldRef:
		return t.field(i, x.Field)
	case *traceql.LiteralRef:
		return x.Literal.Value, true
	case *traceql.Condition:
		return telemetry.BoolValue(t.holds(x.Expr, i)), true
	case *traceql.Arith:
		left, lok := t.value(x.Left, i)
		right, rok := t.value(x.Right, i)
		if !lok || !rok {
			return v, false
		}
		return arithmetic(x.Op, left, right)
	}
	panic(fmt.Sprintf("unknown value %T", x))
}
