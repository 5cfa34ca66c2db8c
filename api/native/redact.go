package native

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// What is erased must not live on in the record of its erasure. A hash with a
// salt of its own stands for it: who knows the value can tell that the record
// is about it, and nobody can look the hash up in a table.

// redact is "sha256:", the salt and the SHA-256 of salt and text, all in
// hexadecimal.
func redact(text string) string {
	salt := make([]byte, 8)
	rand.Read(salt) // never fails
	sum := sha256.Sum256(append(salt, text...))
	return "sha256:" + hex.EncodeToString(salt) + ":" + hex.EncodeToString(sum[:])
}

// redactQuery is the query with all constants that may tell of somebody
// redacted, or wholly so where it has more than a filter.
func redactQuery(q *traceql.Query, text string) string {
	cond, ok := q.SpanFilter()
	if ok && cond == nil {
		return "{}"
	}
	if ok {
		cond, ok = redactExpr(cond)
	}
	if !ok {
		return redact(text)
	}
	return traceql.FilterQuery(cond).String()
}

func redactExpr(e traceql.Expr) (_ traceql.Expr, ok bool) {
	switch e := e.(type) {
	case *traceql.Constant:
		return e, true
	case *traceql.Not:
		x, ok := redactExpr(e.X)
		return &traceql.Not{X: x}, ok
	case *traceql.Binary:
		left, ok := redactExpr(e.Left)
		right, too := redactExpr(e.Right)
		return &traceql.Binary{Op: e.Op, Left: left, Right: right}, ok && too
	case *traceql.Comparison:
		switch e.Literal.Kind {
		case traceql.LiteralString, traceql.LiteralInt, traceql.LiteralFloat:
			text := e.Literal.String()
			if e.Literal.Kind == traceql.LiteralString {
				text = e.Literal.Value.Str()
			}
			hashed := traceql.Literal{Kind: traceql.LiteralString, Value: telemetry.StringValue(redact(text))}
			return &traceql.Comparison{Field: e.Field, Op: e.Op, Literal: hashed}, true
		}
		return e, true
	}
	return nil, false
}

// anyAttribute is the condition of spans that have an attribute with the value,
// be it the span's own, its resource's, its scope's, an event's or a link's,
// as text or as the number or boolean that the text spells.
func anyAttribute(key, value string) traceql.Expr {
	literals := []traceql.Literal{{Kind: traceql.LiteralString, Value: telemetry.StringValue(value)}}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		literals = append(literals, traceql.Literal{Kind: traceql.LiteralInt, Value: telemetry.IntValue(n)})
	} else if f, err := strconv.ParseFloat(value, 64); err == nil {
		literals = append(literals, traceql.Literal{Kind: traceql.LiteralFloat, Value: telemetry.DoubleValue(f)})
	}
	if value == "true" || value == "false" {
		literals = append(literals, traceql.Literal{Kind: traceql.LiteralBool, Value: telemetry.BoolValue(value == "true")})
	}
	var any traceql.Expr
	for _, scope := range []scan.Scope{scan.ScopeSpan, scan.ScopeResource, scan.ScopeInstrumentation, scan.ScopeEvent, scan.ScopeLink} {
		field := traceql.Field{Field: scan.Field{Scope: scope, Key: key}}
		for _, l := range literals {
			one := &traceql.Comparison{Field: field, Op: scan.OpEqual, Literal: l}
			if any == nil {
				any = one
			} else {
				any = &traceql.Binary{Op: traceql.Or, Left: any, Right: one}
			}
		}
	}
	return any
}
