package early

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// remote is a context and the span in it at once: first the parent that came
// with a request, and if that is not sampled, the span that records nothing
// but carries the ids on. One allocation in the place of four.
//
// It is immutable as soon as Request.Start has returned it.
type remote struct {
	context.Context
	embedded.Span

	parent   trace.SpanContext
	state    string // tracestate that parent cannot hold, see ForeignState
	provider trace.TracerProvider
	early    *answer // set while the SDK makes a span, see Request.Start
}

// WithRemote is trace.ContextWithRemoteSpanContext in one allocation.
// foreignState, mostly "", is what ForeignState returns below the context.
func WithRemote(ctx context.Context, parent trace.SpanContext, foreignState string) context.Context {
	return &remote{Context: ctx, parent: parent.WithRemote(true), state: foreignState}
}

// ForeignState is the tracestate that came with the trace of the span in ctx
// and that trace.TraceState refuses to hold, or "".
func ForeignState(ctx context.Context, traceID trace.TraceID) string {
	s, _ := ctx.Value(stateKey{}).(*remote)
	if s == nil || s.parent.TraceID() != traceID {
		return ""
	}
	return s.state
}

type stateKey struct{}

// spanKey is the key under which the OpenTelemetry API looks for a span in a
// context: it is not exported, so it is learned from the API asking.
var spanKey = func() any {
	var asked askedFor
	trace.SpanFromContext(&asked)
	return asked.key
}()

type askedFor struct {
	context.Context
	key any
}

func (a *askedFor) Value(key any) any {
	a.key = key
	return nil
}

// Value implements context.Context.
func (s *remote) Value(key any) any {
	switch key {
	case spanKey:
		return s
	case stateKey{}:
		if s.state != "" {
			return s
		}
	}
	return s.Context.Value(key)
}

// The methods below implement trace.Span for a span that is not recorded.

func (s *remote) SpanContext() trace.SpanContext { return s.parent }

func (s *remote) TracerProvider() trace.TracerProvider {
	if s.provider == nil {
		return trace.SpanFromContext(s.Context).TracerProvider()
	}
	return s.provider
}

func (*remote) IsRecording() bool                       { return false }
func (*remote) SetStatus(codes.Code, string)            {}
func (*remote) SetAttributes(...attribute.KeyValue)     {}
func (*remote) End(...trace.SpanEndOption)              {}
func (*remote) RecordError(error, ...trace.EventOption) {}
func (*remote) AddEvent(string, ...trace.EventOption)   {}
func (*remote) AddLink(trace.Link)                      {}
func (*remote) SetName(string)                          {}
