package zipkin

import (
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The functions below build conditions as traceql's parser does of text.

func attribute(scope scan.Scope, key string) traceql.Field {
	return traceql.Field{Field: scan.Field{Scope: scope, Key: key}}
}

func intrinsic(i scan.Intrinsic) traceql.Field {
	return traceql.Field{Field: scan.Field{Intrinsic: i}}
}

func compare(f traceql.Field, op traceql.CompareOp, kind traceql.LiteralKind, v telemetry.Value) traceql.Expr {
	return &traceql.Comparison{Field: f, Op: op, Literal: traceql.Literal{Kind: kind, Value: v}}
}

func equals(f traceql.Field, text string) traceql.Expr {
	return compare(f, scan.OpEqual, traceql.LiteralString, telemetry.StringValue(text))
}

func status(s telemetry.Status) traceql.Expr {
	return compare(intrinsic(scan.IntrinsicStatus), scan.OpEqual, traceql.LiteralStatus, telemetry.IntValue(int64(s)))
}

func kind(k telemetry.Kind) traceql.Expr {
	return compare(intrinsic(scan.IntrinsicKind), scan.OpEqual, traceql.LiteralKindOf, telemetry.IntValue(int64(k)))
}

func has(f traceql.Field) traceql.Expr {
	return &traceql.Comparison{Field: f, Op: scan.OpExists, Literal: traceql.Literal{Kind: traceql.LiteralNil}}
}

func lacks(f traceql.Field) traceql.Expr {
	return &traceql.Comparison{Field: f, Op: scan.OpAbsent, Literal: traceql.Literal{Kind: traceql.LiteralNil}}
}

// join combines conditions, of which those that are nil do not count; it is
// nil if none does.
func join(op traceql.BinaryOp, all ...traceql.Expr) (out traceql.Expr) {
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
