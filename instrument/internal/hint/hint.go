// Package hint carries what a propagator read and a span context cannot
// hold: a decision about sampling without a span, a span without a decision,
// a trace ID without a span.
package hint

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// Decision is what the caller said about sampling.
type Decision int

const (
	// Deferred: the callee decides.
	Deferred Decision = iota
	// Sample decides for the callee that the trace is recorded.
	Sample
	// Deny decides that it is not.
	Deny
)

// Hint is about the parent with these IDs. Without a SpanID there is no
// parent and the hint is for a root: its trace ID, if it has one, and the
// decision.
type Hint struct {
	TraceID  trace.TraceID
	SpanID   trace.SpanID
	Decision Decision
}

type key struct{}

// With returns ctx with the hint.
func With(ctx context.Context, h Hint) context.Context { return context.WithValue(ctx, key{}, h) }

// For returns the hint that is about the parent in ctx, or about a root where
// there is none. A hint that another propagator has overruled is not one.
func For(ctx context.Context, parent trace.SpanContext) (Hint, bool) {
	h, ok := ctx.Value(key{}).(Hint)
	if !ok {
		return Hint{}, false
	}
	if !parent.IsValid() {
		return h, !h.SpanID.IsValid()
	}
	return h, h.TraceID == parent.TraceID() && h.SpanID == parent.SpanID()
}

// RootTraceID is the trace ID that a root in ctx is to have, or the zero one.
func RootTraceID(ctx context.Context) trace.TraceID {
	h, _ := ctx.Value(key{}).(Hint)
	if h.SpanID.IsValid() {
		return trace.TraceID{}
	}
	return h.TraceID
}

// Clear returns a context without hints, for a root that has nothing to do
// with what came in.
func Clear(ctx context.Context) context.Context {
	if ctx.Value(key{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, nil)
}
