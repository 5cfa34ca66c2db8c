// Package source is where a middleware gets its tracer and propagator: what
// it was told, or what the globals of otel are when a request comes, since a
// program may make its handlers before it starts tracing.
package source

import (
	"context"
	"reflect"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/early"
)

// Source is set up by options, then completed by Init, then used.
type Source struct {
	Provider   trace.TracerProvider          // nil for the global one
	Propagator propagation.TextMapPropagator // nil for the global one

	scope   string
	kind    trace.SpanKind
	options []trace.SpanStartOption
	now     atomic.Pointer[early.Request]
}

// Init says for whom tracers are made and of what kind spans are. scope is
// the path of the package that makes the spans.
func (s *Source) Init(scope string, kind trace.SpanKind) {
	s.scope, s.kind = scope, kind
	s.options = []trace.SpanStartOption{trace.WithSpanKind(kind)}
}

// TextMap is the propagator, as of now.
func (s *Source) TextMap() propagation.TextMapPropagator {
	if s.Propagator != nil {
		return s.Propagator
	}
	return otel.GetTextMapPropagator()
}

// Start starts a span in ctx.
func (s *Source) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	r := s.request()
	return r.Tracer.Start(ctx, name, append(r.Options[:len(r.Options):len(r.Options)], options...)...)
}

// StartRemote starts a span whose parent, if it has one, is in carrier. The
// sampler and the span see attributes; nobody keeps the slice.
func (s *Source) StartRemote(ctx context.Context, carrier propagation.TextMapCarrier, name string,
	attributes []attribute.KeyValue,
) (context.Context, trace.Span) {
	return s.request().Start(ctx, s.TextMap(), carrier, name, attributes)
}

func (s *Source) request() *early.Request {
	provider := s.Provider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	if r := s.now.Load(); r != nil && r.Provider == provider {
		return r
	}
	r := &early.Request{
		Provider: provider,
		Tracer:   provider.Tracer(s.scope, trace.WithSchemaURL(semconv.SchemaURL)),
		Kind:     s.kind,
		Options:  s.options,
	}
	// One that cannot be compared cannot be recognised either.
	if reflect.ValueOf(provider).Comparable() {
		s.now.Store(r)
	}
	return r
}
