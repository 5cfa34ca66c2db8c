// Package cond builds conditions of TraceQL from what the search
// parameters of other tools' APIs say, as traceql's parser does of text.
package cond

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Attribute is the attribute of a key in a scope.
func Attribute(scope scan.Scope, key string) traceql.Field {
	return traceql.Field{Field: scan.Field{Scope: scope, Key: key}}
}

// Intrinsic is a field that every span has.
func Intrinsic(i scan.Intrinsic) traceql.Field {
	return traceql.Field{Field: scan.Field{Intrinsic: i}}
}

// Compare is "f op v".
func Compare(f traceql.Field, op traceql.CompareOp, kind traceql.LiteralKind, v telemetry.Value) traceql.Expr {
	return &traceql.Comparison{Field: f, Op: op, Literal: traceql.Literal{Kind: kind, Value: v}}
}

// Equals holds where f is a text.
func Equals(f traceql.Field, text string) traceql.Expr {
	return Compare(f, scan.OpEqual, traceql.LiteralString, telemetry.StringValue(text))
}

// NotEmpty holds where f, which is an intrinsic text, is not empty.
func NotEmpty(f traceql.Field) traceql.Expr {
	return Compare(f, scan.OpNotEqual, traceql.LiteralString, telemetry.StringValue(""))
}

// Status holds for spans of a status.
func Status(s telemetry.Status) traceql.Expr {
	return Compare(Intrinsic(scan.IntrinsicStatus), scan.OpEqual, traceql.LiteralStatus, telemetry.IntValue(int64(s)))
}

// Kind holds for spans of a kind.
func Kind(k telemetry.Kind) traceql.Expr {
	return Compare(Intrinsic(scan.IntrinsicKind), scan.OpEqual, traceql.LiteralKindOf, telemetry.IntValue(int64(k)))
}

// Duration compares the duration of spans with nanoseconds.
func Duration(op traceql.CompareOp, ns uint64) traceql.Expr {
	return Compare(Intrinsic(scan.IntrinsicDuration), op, traceql.LiteralDuration, telemetry.IntValue(int64(ns)))
}

// Has holds where f has a value.
func Has(f traceql.Field) traceql.Expr {
	return &traceql.Comparison{Field: f, Op: scan.OpExists, Literal: traceql.Literal{Kind: traceql.LiteralNil}}
}

// Lacks holds where f has none.
func Lacks(f traceql.Field) traceql.Expr {
	return &traceql.Comparison{Field: f, Op: scan.OpAbsent, Literal: traceql.Literal{Kind: traceql.LiteralNil}}
}

// Shown holds where f is a string, number or bool that is shown as a text.
func Shown(f traceql.Field, text string) traceql.Expr {
	is := func(kind traceql.LiteralKind, v telemetry.Value) traceql.Expr {
		return Compare(f, scan.OpEqual, kind, v)
	}
	out := is(traceql.LiteralString, telemetry.StringValue(text))
	if text == "true" || text == "false" {
		return Join(traceql.Or, out, is(traceql.LiteralBool, telemetry.BoolValue(text == "true")))
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Join(traceql.Or, out, is(traceql.LiteralInt, telemetry.IntValue(n)))
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return Join(traceql.Or, out, is(traceql.LiteralFloat, telemetry.DoubleValue(x)))
	}
	return out
}

// Join combines conditions, of which those that are nil do not count; it is
// nil if none does.
func Join(op traceql.BinaryOp, all ...traceql.Expr) (out traceql.Expr) {
	for _, x := range all {
		switch {
		case x == nil:
		case out == nil:
			out = x
		default:
			out = &traceql.Binary{Op: op, Left: out, Right: x}
		}
	}
	return out
}
