package sqltrace

import (
	"context"
	"database/sql/driver"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/tracing"
)

// noSpan is the span of what is not traced.
var noSpan = trace.SpanFromContext(context.Background())

// start starts a span for an operation that has no query, such as "COMMIT".
func (t *tracer) start(ctx context.Context, operation string) (context.Context, trace.Span) {
	if t.inTracesOnly && !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, noSpan
	}
	ctx, span := t.source.Start(ctx, operation)
	if span.IsRecording() {
		span.SetAttributes(t.attributes...)
		span.SetAttributes(semconv.DBOperationName(operation))
	}
	return ctx, span
}

// startBelow is start for what pools do by themselves: it makes no traces.
func (t *tracer) startBelow(ctx context.Context, operation string) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, noSpan
	}
	return t.start(ctx, operation)
}

// startQuery starts a span for a query. prefix is "PREPARE " or "".
func (t *tracer) startQuery(ctx context.Context, prefix, text string) (context.Context, trace.Span) {
	if t.inTracesOnly && !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, noSpan
	}
	q := t.queries.get(text)
	ctx, span := t.source.Start(ctx, prefix+q.summary)
	if span.IsRecording() {
		span.SetAttributes(t.attributes...)
		span.SetAttributes(semconv.DBQueryText(q.text), semconv.DBQuerySummary(q.summary))
		if q.operation != "" {
			span.SetAttributes(semconv.DBOperationName(q.operation))
		}
		if q.collection != "" {
			span.SetAttributes(semconv.DBCollectionName(q.collection))
		}
	}
	return ctx, span
}

// end ends a span with the error of what it was for, if any.
func end(span trace.Span, err error) {
	// With ErrSkip a driver says that it cannot do it this way; database/sql
	// tries another, which has a span of its own.
	if err != driver.ErrSkip {
		tracing.RecordError(span, err)
	}
	span.End()
}

// comment adds the trace to a query, if that was asked for.
func (t *tracer) comment(ctx context.Context, query string) string {
	if !t.comments || strings.Contains(query, "/*") || strings.Contains(query, "--") {
		return query
	}
	fields := propagation.MapCarrier{}
	t.source.TextMap().Inject(ctx, fields)
	if fields["traceparent"] == "" {
		return query
	}
	var b strings.Builder
	end := len(strings.TrimRight(query, "; \t\r\n"))
	b.WriteString(query[:end])
	b.WriteString(" /*traceparent='")
	b.WriteString(fields["traceparent"])
	if state := fields["tracestate"]; state != "" {
		b.WriteString("',tracestate='")
		// The encoding has no quote and no asterisk left that could end the
		// string or the comment.
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(state), "+", "%20"), "*", "%2A"))
	}
	b.WriteString("'*/")
	b.WriteString(query[end:])
	return b.String()
}
