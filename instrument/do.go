package instrument

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
	"github.com/kiseki-dev/kiseki/instrument/internal/tracing"
)

// scope is the instrumentation scope of the spans that this package makes.
const scope = "github.com/kiseki-dev/kiseki/instrument"

// Do runs fn in a span, a part of the work of the context's span. The error
// of fn is recorded in the span and returned as it is; a panic is recorded
// with its stack and goes on.
//
//	err := instrument.Do(ctx, "reserve stock", func(ctx context.Context) error {
//		return stock.Reserve(ctx, order)
//	}, attribute.Int("shop.order.lines", len(order.Lines)))
//
// The name says what is done, not to what: the number of names must stay
// small. What it is done to belongs into the attributes.
func Do(ctx context.Context, name string, fn func(context.Context) error, attrs ...attribute.KeyValue) error {
	ctx, span := tracing.Tracer(ctx, scope).Start(ctx, name, trace.WithAttributes(attrs...))
	return run(ctx, span, fn)
}

// Go runs fn in a goroutine of its own, for work that goes on after the
// request that started it. Its span begins a new trace, linked to the span of
// the context, because a trace that has been answered should not grow for
// hours. The context that fn gets has the values of ctx; it does not end
// with it. An error is recorded in the span, and so is a panic, which then
// ends the program as in every goroutine.
func Go(ctx context.Context, name string, fn func(context.Context) error, attrs ...attribute.KeyValue) {
	ctx, span := tracing.Tracer(ctx, scope).Start(hint.Clear(context.WithoutCancel(ctx)), name,
		trace.WithNewRoot(), trace.WithAttributes(attrs...), LinkedTo(ctx))
	go func() {
		_ = run(ctx, span, fn) // it is in the span
	}()
}

// run calls fn and ends the span.
func run(ctx context.Context, span trace.Span, fn func(context.Context) error) (err error) {
	returned := false
	defer func() {
		if returned {
			span.End()
			return
		}
		p := recover()
		if p != nil {
			tracing.RecordPanic(span, p)
		}
		span.End()
		if p != nil {
			panic(p)
		}
		// Without a panic the goroutine is being ended by runtime.Goexit.
	}()
	err = fn(ctx)
	returned = true
	RecordError(span, err)
	return err
}

// RecordError marks the span as failed: an exception event with the stack of
// the caller, the status and error.type. It does nothing when err is nil.
func RecordError(span trace.Span, err error) { tracing.RecordError(span, err) }

// Link links the span of ctx to that of another context, for example the
// consumer of a batch to the producer of each message. Nothing happens when
// either has no span.
func Link(ctx, to context.Context, attrs ...attribute.KeyValue) {
	if l := trace.LinkFromContext(to, attrs...); l.SpanContext.IsValid() {
		trace.SpanFromContext(ctx).AddLink(l)
	}
}

// LinkedTo is the option that links a new span to the spans of the contexts.
// Links that are known when a span starts can decide about its sampling.
func LinkedTo(contexts ...context.Context) trace.SpanStartOption {
	links := make([]trace.Link, 0, len(contexts))
	for _, ctx := range contexts {
		if l := trace.LinkFromContext(ctx); l.SpanContext.IsValid() {
			links = append(links, l)
		}
	}
	return trace.WithLinks(links...)
}
